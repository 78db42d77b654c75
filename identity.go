package neco

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

const osReleaseFile = "/etc/os-release"

// MyLRN returns the logical rack number of this boot server: its identity in
// the data centre, as RackFile has it. It is never derived from a host name.
func MyLRN() (int, error) {
	return readLRN(RackFile)
}

// MyCluster returns the identifier of the data centre that this boot server
// belongs to, as ClusterFile has it.
func MyCluster() (string, error) {
	return readWord(ClusterFile)
}

// OSCodename returns the code name of the operating system's release, for
// example "jammy". It comes from VERSION_CODENAME in /etc/os-release; see
// os-release(5).
func OSCodename() (string, error) {
	return readOSRelease(osReleaseFile, "VERSION_CODENAME")
}

func readLRN(filename string) (int, error) {
	s, err := readWord(filename)
	if err != nil {
		return 0, err
	}
	lrn, err := strconv.Atoi(s)
	if err != nil || lrn < 0 {
		return 0, fmt.Errorf("read LRN: %s: %q is not a non-negative number", filename, s)
	}
	return lrn, nil
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

func readOSRelease(filename, key string) (string, error) {
	data, err := os.ReadFile(filename)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		k, v, ok := strings.Cut(strings.TrimSpace(line), "=")
		if ok && k == key {
			return strings.Trim(v, `"'`), nil
		}
	}
	return "", fmt.Errorf("%s has no %s", filename, key)
}
