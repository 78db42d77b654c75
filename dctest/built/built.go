// Package built finds the programs and images that dctest/images/build has built for the virtual data
// centre. It is for tests only.
package built

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// index is the contents of index.json: the paths of the built programs and images.
type index struct {
	Programs map[string]string `json:"programs"`
	Images   []struct {
		Name string `json:"name"`
		File string `json:"file"`
	} `json:"images"`
}

// Program returns the path of the program called name, or an error if it was not built.
func Program(name string) (string, error) {
	all, err := read()
	if err != nil || all.Programs[name] == "" {
		return "", errors.Join(missing(name), err)
	}
	return all.Programs[name], nil
}

// Image returns the path of the archive of the container image called name, or an error if it
// was not built.
func Image(name string) (string, error) {
	all, err := read()
	for _, image := range all.Images {
		if image.Name == name {
			return image.File, nil
		}
	}
	return "", errors.Join(missing(name), err)
}

func missing(name string) error {
	return fmt.Errorf("%s is not built; dctest/dc setup builds it", name)
}

func read() (index, error) {
	var all index
	dir, err := os.UserCacheDir()
	if err != nil {
		return all, err
	}
	data, err := os.ReadFile(filepath.Join(dir, "neco", "dctest", "index.json"))
	if err != nil {
		return all, err
	}
	return all, json.Unmarshal(data, &all)
}
