package neco

import (
	"fmt"
	"os"
	"strings"

	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/internal/osrelease"
)

// MyLRN returns the logical rack number of this boot server, which identifies it in the
// data centre. It reads RackFile; the number is never derived from a host name.
func MyLRN() (int, error) {
	return readLRN(RackFile)
}

// MyCluster returns the identifier of this boot server's data centre, from ClusterFile.
func MyCluster() (string, error) {
	return readWord(ClusterFile)
}

// OSCodename returns the code name of the operating system's release, for example
// "jammy": the value of VERSION_CODENAME in os-release(5). It fails if the value is
// missing or empty.
func OSCodename() (string, error) {
	return codename(os.ReadFile)
}

func readLRN(filename string) (int, error) {
	s, err := readWord(filename)
	if err != nil {
		return 0, err
	}
	n, err := lrn.Parse(s)
	if err != nil {
		return 0, fmt.Errorf("read LRN: %s: %w", filename, err)
	}
	return n, nil
}

func readWord(filename string) (string, error) {
	data, err := os.ReadFile(filename)
	if err != nil {
		return "", err
	}
	s := strings.TrimSpace(string(data))
	if s == "" {
		return "", fmt.Errorf("%s is empty", filename)
	}
	return s, nil
}

func codename(read func(path string) ([]byte, error)) (string, error) {
	const key = "VERSION_CODENAME"
	values, err := osrelease.Read(read)
	if err != nil {
		return "", err
	}
	name, ok := values[key]
	if !ok {
		return "", fmt.Errorf("os-release has no %s", key)
	}
	return name, nil
}
