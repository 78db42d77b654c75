package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// index is the part of index.json that this program reads. dctest/images/build writes
// that file.
type index struct {
	Images []builtImage `json:"images"`
	Debs   []builtDeb   `json:"debs"`
	OS     builtOS      `json:"os"`
}

// builtImage is an archive of one image, in the format of docker load.
type builtImage struct {
	// Names are the full names of the image, each with a tag.
	Names []string `json:"names"`
	File  string   `json:"file"`
}

type builtDeb struct {
	Name    string `json:"name"`
	Release string `json:"release"`
	Asset   string `json:"asset"`
	File    string `json:"file"`
}

type builtOS struct {
	Channel string `json:"channel"`
	Version string `json:"version"`
	Kernel  string `json:"kernel"`
	Initrd  string `json:"initrd"`
}

func readIndex(dir string) (index, error) {
	file := filepath.Join(dir, "index.json")
	data, err := os.ReadFile(file)
	if err != nil {
		return index{}, fmt.Errorf("read the index of images and packages: %w", err)
	}
	var ix index
	if err := json.Unmarshal(data, &ix); err != nil {
		return index{}, fmt.Errorf("read %s: %w", file, err)
	}
	return ix, nil
}
