package toolset

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxChecksums is the largest accepted size of a file with digests, in bytes.
const maxChecksums = 1 << 20

// Pin reads the digests of all downloads in the list in file from their publishers, and writes
// those that were unknown into the list. The comments of the list stay. For a module without
// go.sum it runs go mod tidy, which reads the digests from Go's checksum database. Pin never
// changes a known digest: a publisher with another one is an error that has both. Pin returns a
// line for each digest that it wrote, also together with errors: after an error it goes on with
// the other tools, unless ctx has ended, and joins all errors.
func Pin(ctx context.Context, client *http.Client, file string) (changes []string, err error) {
	l, err := Load(file)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var errs []error
	for i, t := range l.Tools {
		made, err := pinTool(ctx, client, l, t, value(doc.Content[0], "tools").Content[i])
		changes = append(changes, made...)
		if err != nil {
			errs = append(errs, fmt.Errorf("tool %q: %w", t.Name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	if len(changes) > 0 {
		errs = append(errs, writeYAML(file, &doc))
	}
	return changes, errors.Join(errs...)
}

// pinTool does what Pin does for the tool t. It changes node, the mapping of t in the list.
func pinTool(ctx context.Context, client *http.Client, l List, t Tool, node *yaml.Node) (changes []string, err error) {
	if t.Module != "" {
		return pinModule(ctx, l, t)
	}
	var errs []error
	for _, d := range t.downloads() {
		sum, err := published(ctx, client, d.Download)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %s: %w", d.name, d.Checksums, err))
		case d.SHA256 == "":
			setDigest(d.node(node), sum)
			changes = append(changes, d.name+": "+sum)
		case d.SHA256 != sum:
			errs = append(errs, fmt.Errorf("%s: the digest in the list is %s, that of the publisher is %s; empty sha256 first if the change is expected", d.name, d.SHA256, sum))
		}
	}
	return changes, errors.Join(errs...)
}

// pinModule makes go.sum of the module of t unless it exists.
func pinModule(ctx context.Context, l List, t Tool) (changes []string, err error) {
	unknown, err := l.unknown(t)
	if err != nil || unknown == "" {
		return nil, err
	}
	if _, err := (stager{list: l}).run(ctx, t, goEnv(), "go", "mod", "tidy"); err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("%s %s: go.sum is made", t.Name, t.Version)}, nil
}

// pinned is a download of a tool.
type pinned struct {
	Download
	// name is the name of the download in messages.
	name string
	// platform is its key in Platforms, or "" for the download for boot servers.
	platform string
}

// downloads returns all downloads of t, that for boot servers first. The first of a tool with a
// module is empty except for its name.
func (t Tool) downloads() []pinned {
	name := t.Name + " " + t.Version
	all := []pinned{{t.Download, name, ""}}
	for _, p := range slices.Sorted(maps.Keys(t.Platforms)) {
		all = append(all, pinned{t.Platforms[p].Download, name + " for " + p, p})
	}
	return all
}

// node returns the mapping that has the digest of d. tool is the mapping of the tool.
func (d pinned) node(tool *yaml.Node) *yaml.Node {
	if d.platform == "" {
		return tool
	}
	return value(value(tool, "platforms"), d.platform)
}

// published returns the digest of d.URL in the publisher's file.
func published(ctx context.Context, client *http.Client, d Download) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.Checksums, nil)
	if err != nil {
		return "", err
	}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the server answers %s", res.Status)
	}
	return findDigest(io.LimitReader(res.Body, maxChecksums), path.Base(d.URL))
}

// findDigest returns the digest of the file called name in the output of sha256sum, or the
// digest if r has nothing else.
func findDigest(r io.Reader, name string) (string, error) {
	var lines [][]string
	s := bufio.NewScanner(r)
	for s.Scan() {
		if fields := strings.Fields(s.Text()); len(fields) > 0 {
			lines = append(lines, fields)
		}
	}
	if err := s.Err(); err != nil {
		return "", err
	}
	for _, fields := range lines {
		alone := len(fields) == 1 && len(lines) == 1
		named := len(fields) == 2 && path.Base(strings.TrimPrefix(fields[1], "*")) == name
		if alone || named {
			if !digest.MatchString(fields[0]) {
				return "", fmt.Errorf("%.80q is not a SHA-256", fields[0])
			}
			return fields[0], nil
		}
	}
	return "", fmt.Errorf("it has no SHA-256 of %s", name)
}

// setDigest sets the field sha256 of a download.
func setDigest(download *yaml.Node, sum string) {
	if v := value(download, "sha256"); v != nil {
		v.SetString(sum)
		return
	}
	var k, v yaml.Node
	k.SetString("sha256")
	v.SetString(sum)
	download.Content = append(download.Content, &k, &v)
}

// value returns the value of a key of a mapping, or nil.
func value(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// writeYAML replaces file by doc.
func writeYAML(file string, doc *yaml.Node) (err error) {
	f, err := os.CreateTemp(path.Dir(file), path.Base(file)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	e := yaml.NewEncoder(f)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(doc), e.Close(), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
