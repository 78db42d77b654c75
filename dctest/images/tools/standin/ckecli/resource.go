package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

// resources returns the resources in a stream of YAML documents, by their keys. As CKE
// does, it refuses a document without an object, and an object without an API version, a
// kind or a name.
func resources(data []byte) (map[string][]byte, error) {
	all := map[string][]byte{}
	for i, doc := range strings.Split("\n"+strings.TrimPrefix(string(data), "---\n"), "\n---") {
		var r struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
			Metadata   struct {
				Name      string `json:"name"`
				Namespace string `json:"namespace"`
			} `json:"metadata"`
		}
		if err := yaml.Unmarshal([]byte(doc), &r); err != nil {
			return nil, fmt.Errorf("resource %d: %w", i, err)
		}
		if r.APIVersion == "" || r.Kind == "" || r.Metadata.Name == "" {
			return nil, fmt.Errorf("resource %d: no API version, kind or name", i)
		}
		all["resource/"+path.Join(r.Kind, r.Metadata.Namespace, r.Metadata.Name)] = []byte(doc)
	}
	return all, nil
}

func setResources(c call) error {
	return eachResource(c, c.put)
}

func deleteResources(c call) error {
	return eachResource(c, func(key string, _ []byte) error { return c.store.Delete(c.ctx, key) })
}

func eachResource(c call, do func(key string, value []byte) error) error {
	data, err := c.file()
	if err != nil {
		return err
	}
	all, err := resources(data)
	if err != nil {
		return err
	}
	for key, value := range all {
		if err := do(key, value); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// reboot is an entry in the reboot queue of CKE.
type reboot struct {
	Index  int64    `json:"index,string"`
	Nodes  []string `json:"nodes"`
	Status string   `json:"status"`
}

const rebootsPrefix = "reboots/data/"

func rebootKey(index int64) string { return fmt.Sprintf("%s%016x", rebootsPrefix, index) }

func reboots(c call) ([]reboot, []store.Pair, error) {
	pairs, err := c.store.List(c.ctx, rebootsPrefix)
	all := make([]reboot, len(pairs))
	for i, p := range pairs {
		err = errors.Join(err, json.Unmarshal(p.Value, &all[i]))
	}
	return all, pairs, err
}

// addReboots adds the nodes in a file, separated by white space, to the reboot queue as one entry.
func addReboots(c call) error {
	data, err := c.file()
	if err != nil {
		return err
	}
	all, _, err := reboots(c)
	if err != nil {
		return err
	}
	next := int64(0)
	if len(all) > 0 {
		next = all[len(all)-1].Index + 1
	}
	value, err := json.Marshal(reboot{next, strings.Fields(string(data)), "queued"})
	if err != nil {
		return err
	}
	return c.store.Create(c.ctx, map[string][]byte{rebootKey(next): value})
}

func listReboots(c call) error {
	all, _, err := reboots(c)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		all = nil // null
	}
	return printJSON(c.out, all)
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "    ")
	return e.Encode(v)
}

func cancelReboot(c call) error {
	text, err := c.one()
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return err
	}
	return cancel(c, func(r reboot) bool { return r.Index == index })
}

func cancelReboots(c call) error {
	return cancel(c, func(reboot) bool { return true })
}

func cancel(c call, which func(reboot) bool) error {
	all, pairs, err := reboots(c)
	if err != nil {
		return err
	}
	for i, r := range all {
		if !which(r) {
			continue
		}
		r.Status = "cancelled"
		value, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if err := c.store.Update(c.ctx, pairs[i].Key, pairs[i].Rev, value); err != nil {
			return err
		}
	}
	return nil
}
