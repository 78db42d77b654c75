package dpkg

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Observation is the state of a boot server: values by key. A key is a kind and a name, such
// as "unit neco-worker.service", "enabled neco-worker.service" or "file /etc/hosts".
type Observation map[string]string

// wants separates the directory of a unit from the names of the units that it starts.
const wants = ".wants/"

// Parse parses the output of the observing script: lines with a key, a tab and a value. The
// links of an enabled unit become one key "enabled UNIT", that of a masked one "masked UNIT".
func Parse(text string) (Observation, error) {
	o := Observation{}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok {
			return nil, fmt.Errorf("line without a tab: %q", line)
		}
		kind, name, _ := strings.Cut(key, " ")
		if unit, found := strings.CutPrefix(name, "/etc/systemd/system/"); found && kind == "link" {
			switch _, enabled, by := strings.Cut(unit, wants); {
			case by:
				key = "enabled " + enabled
			case value == "/dev/null":
				key = "masked " + unit
			}
		}
		if value != "" {
			o[key] = value
		}
	}
	return o, nil
}

// Changes are the expected differences between two observations: the later values by key.
// The value [Other] stands for any value that was not there before, and "" for none.
type Changes map[string]string

// Other is the value of a key in [Changes] whose later value exists and is another one.
const Other = "*"

// All returns the union of changes. Of two changes of the same key the later one counts.
func All(changes ...Changes) Changes {
	all := Changes{}
	for _, c := range changes {
		maps.Copy(all, c)
	}
	return all
}

// To returns the change of keys of one kind to a value.
func To(value, kind string, names ...string) Changes {
	c := Changes{}
	for _, name := range names {
		c[kind+" "+name] = value
	}
	return c
}

// Differences returns a line for each key whose value is not as expected after a step: as
// before, or as in want. The lines are sorted.
func Differences(before, after Observation, want Changes) []string {
	keys := map[string]bool{}
	for _, m := range []map[string]string{before, after, want} {
		for key := range m {
			keys[key] = true
		}
	}
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		was, is := before[key], after[key]
		expected, named := want[key]
		switch {
		case !named && is != was:
			lines = append(lines, fmt.Sprintf("%s: was %q, is %q; want no change", key, was, is))
		case named && expected == Other && (is == "" || is == was):
			lines = append(lines, fmt.Sprintf("%s: was %q, is %q; want another value", key, was, is))
		case named && expected != Other && is != expected:
			lines = append(lines, fmt.Sprintf("%s: was %q, is %q; want %q", key, was, is, expected))
		}
	}
	return lines
}
