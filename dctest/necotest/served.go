package necotest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Served is a response of the simulated internet.
type Served struct {
	Host string `json:"host"`
	Path string `json:"path"`
	// Bytes is the size of the body.
	Bytes int64 `json:"bytes"`
	// Authorization is the header of that name in the request.
	Authorization string `json:"authorization"`
}

// Served returns what the simulated internet has sent to the boot servers since the data
// centre was started, in order.
func (l *Lab) Served() ([]Served, error) {
	file, err := os.Open(filepath.Join(l.outside(), "served.json"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var all []Served
	for d := json.NewDecoder(file); ; {
		var s Served
		err := d.Decode(&s)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name(), err)
		}
		all = append(all, s)
	}
}
