package dpkg_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/dctest/suites/dpkg"
)

func TestLinksOfUnitsAreParsedAsTheirState(t *testing.T) {
	got, err := dpkg.Parse("unit a.service\t17 at 5\n" +
		"unit b.service\t\n" +
		"link /etc/systemd/system/multi-user.target.wants/a.service\t/lib/systemd/system/a.service\n" +
		"link /etc/systemd/system/c.timer\t/dev/null\n" +
		"link /etc/systemd/system/d.service\t/lib/systemd/system/e.service\n" +
		"file /etc/f\tabc\n")
	want := dpkg.Observation{
		"unit a.service":                     "17 at 5",
		"enabled a.service":                  "/lib/systemd/system/a.service",
		"masked c.timer":                     "/dev/null",
		"link /etc/systemd/system/d.service": "/lib/systemd/system/e.service",
		"file /etc/f":                        "abc",
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := dpkg.Parse("no tab\n"); err == nil {
		t.Error("a line without a tab is accepted")
	}
}

func TestEachKindOfDifferenceIsNamed(t *testing.T) {
	before := dpkg.Observation{"unit stays": "1", "unit stops": "1", "unit restarts": "1", "package neco": "1"}
	for name, c := range map[string]struct {
		after dpkg.Observation
		want  dpkg.Changes
		lines []string
	}{
		"nothing": {after: before},
		"what was expected": {
			after: dpkg.Observation{"unit stays": "1", "unit restarts": "2", "unit starts": "1", "package neco": "2"},
			want:  dpkg.All(dpkg.To("", "unit", "stops"), dpkg.To(dpkg.Other, "unit", "restarts", "starts"), dpkg.To("2", "package", "neco")),
		},
		"what was not expected": {
			after: dpkg.Observation{"unit stays": "2", "unit starts": "1", "unit restarts": "1", "package neco": "1"},
			lines: []string{
				`unit starts: was "", is "1"; want no change`,
				`unit stays: was "1", is "2"; want no change`,
				`unit stops: was "1", is ""; want no change`,
			},
		},
		"what did not happen": {
			after: dpkg.Observation{"unit stays": "1", "unit stops": "1", "package neco": "1"},
			want:  dpkg.All(dpkg.To("", "unit", "stops"), dpkg.To(dpkg.Other, "unit", "stays", "restarts"), dpkg.To("2", "package", "neco")),
			lines: []string{
				`package neco: was "1", is "1"; want "2"`,
				`unit restarts: was "1", is ""; want another value`,
				`unit stays: was "1", is "1"; want another value`,
				`unit stops: was "1", is "1"; want ""`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.lines, dpkg.Differences(before, c.after, c.want)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
