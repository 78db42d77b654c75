// Package built finds the programs that dctest/images/build has built for the virtual data
// centre. It is for tests only.
package built

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Program returns the path of the program called name, or an error if it was not built.
func Program(name string) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	var index struct {
		Programs map[string]string `json:"programs"`
	}
	data, err := os.ReadFile(filepath.Join(dir, "neco", "dctest", "index.json"))
	if err == nil {
		err = json.Unmarshal(data, &index)
	}
	if err != nil || index.Programs[name] == "" {
		return "", errors.Join(fmt.Errorf("%s is not built; dctest/dc setup builds it", name), err)
	}
	return index.Programs[name], nil
}
