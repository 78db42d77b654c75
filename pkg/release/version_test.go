package release

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	cases := map[string]struct {
		text string
		want Version
		ok   bool
	}{
		"a released version is read":             {"2022.05.25-23456", Version{20220525, 23456}, true},
		"the test version is read":               {TestVersion, Version{99991231, 99999}, true},
		"serial zero is read":                    {"2022.05.25-0", Version{20220525, 0}, true},
		"a leap day is read":                     {"2024.02.29-1", Version{20240229, 1}, true},
		"a day that does not exist is refused":   {"2023.02.29-1", Version{}, false},
		"a month that does not exist is refused": {"2022.13.01-1", Version{}, false},
		"a date without padding is refused":      {"2022.5.25-1", Version{}, false},
		"a padded serial is refused":             {"2022.05.25-01", Version{}, false},
		"a negative serial is refused":           {"2022.05.25--1", Version{}, false},
		"a signed serial is refused":             {"2022.05.25-+1", Version{}, false},
		"a second hyphen is refused":             {"2022.05.25-1-2", Version{}, false},
		"a huge serial is refused":               {"2022.05.25-" + strings.Repeat("9", 30), Version{}, false},
		"surrounding space is refused":           {" 2022.05.25-1", Version{}, false},
		"a fraction of a day is refused":         {"2022.05.25.5-1", Version{}, false},
		"no serial is refused":                   {"2022.05.25", Version{}, false},
		"an empty text is refused":               {"", Version{}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(c.text)
			if (err == nil) != c.ok {
				t.Fatalf("Parse(%q): %v", c.text, err)
			}
			if err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("the error %q does not name the text", err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseTag(t *testing.T) {
	cases := map[string]struct {
		tag  string
		want Version
		ok   bool
	}{
		"a release's tag":            {"release-2022.05.25-1", Version{20220525, 1}, true},
		"a candidate's tag":          {"test-2022.05.25-1", Version{20220525, 1}, true},
		"a bare version is no tag":   {"2022.05.25-1", Version{}, false},
		"an empty prefix is refused": {"-2022.05.25-1", Version{}, false},
		"another scheme is refused":  {"v1.2.3", Version{}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := ParseTag(c.tag)
			if (err == nil) != c.ok {
				t.Fatalf("ParseTag(%q): %v", c.tag, err)
			}
			if err != nil && !strings.Contains(err.Error(), c.tag) {
				t.Errorf("the error %q does not name the tag", err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVersionsAreOrderedByDateThenBySerial(t *testing.T) {
	want := []string{"2021.12.31-900", "2022.05.25-2", "2022.05.25-10", "2022.05.26-1", TestVersion}
	shuffled := []string{want[3], want[0], want[4], want[2], want[1]}
	slices.SortFunc(shuffled, func(a, b string) int { return mustParse(t, a).Compare(mustParse(t, b)) })
	if diff := cmp.Diff(want, shuffled); diff != "" {
		t.Error(diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"2022.05.25-23456", TestVersion, "release-2022.05.25-1", "", "-", "2022.05.25-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text)
		if err != nil {
			return
		}
		if v.String() != text {
			t.Errorf("Parse(%q).String() = %q", text, v)
		}
		if tagged, err := ParseTag("release-" + text); err != nil || tagged != v {
			t.Errorf("ParseTag: %v, %v; want %v", tagged, err, v)
		}
	})
}

func mustParse(t testing.TB, text string) Version {
	t.Helper()
	v, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
