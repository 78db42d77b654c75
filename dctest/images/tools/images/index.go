package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// index is the content of index.json: the paths of everything that was built. Programs
// that read it must use these paths, and not derive them.
type index struct {
	// Images are archives of images in the format of docker load.
	Images []indexImage `json:"images"`
	// Programs are statically linked programs for hosts, by name.
	Programs map[string]string `json:"programs"`
	// Debs are Debian packages.
	Debs []indexDeb `json:"debs"`
	// OS holds the kernel and initrd of the nodes' operating system.
	OS indexOS `json:"os"`
	// Boot and Node are archives of the root file systems of boot servers and of nodes.
	Boot string `json:"boot"`
	Node string `json:"node"`
}

type indexImage struct {
	Name  string   `json:"name"`
	Names []string `json:"names"`
	File  string   `json:"file"`
}

type indexDeb struct {
	Name    string `json:"name"`
	Release string `json:"release"`
	// Asset is the name that the package has in its release.
	Asset string `json:"asset"`
	File  string `json:"file"`
}

type indexOS struct {
	Channel string `json:"channel"`
	Version string `json:"version"`
	Kernel  string `json:"kernel"`
	Initrd  string `json:"initrd"`
}

func indexFile(cache string) string { return filepath.Join(cache, "index.json") }

// readIndex returns the index that an earlier run has written, or an empty one if it
// cannot be read.
func readIndex(cache string) index {
	ix := index{}
	if data, err := os.ReadFile(indexFile(cache)); err == nil && json.Unmarshal(data, &ix) != nil {
		ix = index{}
	}
	if ix.Programs == nil {
		ix.Programs = map[string]string{}
	}
	return ix
}

// add adds an image, or replaces the one with the same name.
func (ix *index) add(img indexImage) {
	ix.Images = slices.DeleteFunc(ix.Images, func(i indexImage) bool { return i.Name == img.Name })
	ix.Images = append(ix.Images, img)
	slices.SortFunc(ix.Images, func(a, b indexImage) int { return strings.Compare(a.Name, b.Name) })
}

func (ix index) write(cache string) error {
	data, err := json.MarshalIndent(ix, "", "  ")
	if err != nil {
		return err
	}
	tmp := indexFile(cache) + ".tmp"
	if err := os.WriteFile(tmp, append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, indexFile(cache))
}
