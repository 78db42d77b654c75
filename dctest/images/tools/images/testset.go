package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// writeTestSet writes the Go source of the artifact set with the versions of
// what was built in the place of production's, for a build with the tag
// dctest.
func writeTestSet(source, target string) error {
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	set, err := readArtifacts(source)
	if err != nil {
		return err
	}
	out := string(text)
	for _, a := range set.images {
		i := slices.IndexFunc(table(), func(it item) bool { return it.Name == a.Name })
		if i < 0 || table()[i].Version == "" {
			continue
		}
		old := fmt.Sprintf("Repository: %q, Tag: %q", a.Repository, a.Tag)
		if !strings.Contains(out, old) {
			return fmt.Errorf("%s: %s is not written as it should be", source, a.Name)
		}
		out = strings.Replace(out, old, fmt.Sprintf("Repository: %q, Tag: %q", a.Repository, table()[i].Version), 1)
	}
	start := strings.Index(out, "package ")
	return os.WriteFile(target, []byte("// Written by dctest/images/build; what is changed here is lost.\n\n"+out[start:]), 0o644)
}
