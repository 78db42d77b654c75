package cke

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ResourcesDigest returns the SHA-256 in hexadecimal of the files in all, with their names and
// in their order.
func ResourcesDigest(all []Resource) string {
	sum := sha256.New()
	for _, r := range all {
		fmt.Fprintf(sum, "%s %d\n", r.File, len(r.Data))
		sum.Write(r.Data)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// HasResources reports whether CKE has an object of the same kind and name for each object in
// all. It does not compare their contents, which CKE does not show. It returns false if an
// object in all has no name: CKE then refuses the file.
func (c Ckecli) HasResources(ctx context.Context, all []Resource) (bool, error) {
	stored, err := c.resources(ctx)
	if err != nil {
		return false, err
	}
	for _, r := range all {
		keys, ok := keysOf(r.Data)
		if !ok || slices.ContainsFunc(keys, func(key string) bool { return !slices.Contains(stored, key) }) {
			return false, nil
		}
	}
	return true, nil
}

// resources returns the keys of all user resources: kind, namespace if the object has one, and
// name, separated by slashes.
func (c Ckecli) resources(ctx context.Context) ([]string, error) {
	const op = "resource list"
	out, err := c.run(ctx, nil, op)
	if err != nil {
		return nil, err
	}
	var keys []string
	for line := range strings.Lines(string(out)) {
		key := strings.TrimSuffix(line, "\n")
		if n := strings.Count(key, "/"); n < 1 || n > 2 || strings.ContainsAny(key, " \t\r") {
			return nil, &Error{Op: op, Err: fmt.Errorf("prints %.100q, which is not the key of an object", key)}
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// keysOf returns the keys of the objects in data, a stream of YAML documents. ok is false if
// one of them has no key.
func keysOf(data []byte) (keys []string, ok bool) {
	for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var object struct {
			Kind     string `yaml:"kind"`
			Metadata struct {
				Name      string `yaml:"name"`
				Namespace string `yaml:"namespace"`
			} `yaml:"metadata"`
		}
		err := d.Decode(&object)
		if errors.Is(err, io.EOF) {
			return keys, true
		}
		if err != nil || object.Kind == "" || object.Metadata.Name == "" {
			return nil, false
		}
		keys = append(keys, path.Join(object.Kind, object.Metadata.Namespace, object.Metadata.Name))
	}
}
