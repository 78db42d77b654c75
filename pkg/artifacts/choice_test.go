package artifacts

import (
	"errors"
	"strings"
	"testing"
)

func TestTheHighestVersionThatCountsIsChosen(t *testing.T) {
	for title, c := range map[string]struct {
		choice  choice
		offered string
		want    string
	}{
		"numbers, not text":                   {choice{current: "2.0.9"}, "2.0.9 2.0.14 2.0.10", "2.0.14"},
		"four numbers":                        {choice{current: "2.0.9.1"}, "2.0.9.1 2.0.9.10 2.0.9.9", "2.0.9.10"},
		"three numbers are less than four":    {choice{current: "2.0.9"}, "2.0.9.1 2.0.9", "2.0.9.1"},
		"what is no version":                  {choice{current: "2.0.9"}, "latest 2.0.9 9 9.9 9.9-rc.1 main-9.9.9 9.9.9. 9.9.9x 9..9.9 sha256-aa.sig 99999999999999999999.0.0", "2.0.9"},
		"a leading v":                         {choice{current: "v1.4.0"}, "v1.4.0 v1.10.0 v1.9.0", "v1.10.0"},
		"a pre-release":                       {choice{current: "1.4.0"}, "1.4.0 1.5.0-rc.1", "1.5.0-rc.1"},
		"the release after its pre-releases":  {choice{current: "1.4.0"}, "1.5.0-rc.2 1.5.0 1.5.0-rc.10", "1.5.0"},
		"pre-releases by number":              {choice{current: "1.4.0"}, "1.5.0-rc.2 1.5.0-rc.10", "1.5.0-rc.10"},
		"no pre-release":                      {choice{current: "1.4.0", stable: true}, "1.4.0 1.4.1 1.5.0-rc.1", "1.4.1"},
		"the next major":                      {choice{current: "1.4.0"}, "1.4.0 2.0.0", "2.0.0"},
		"not the next major":                  {choice{current: "1.4.0", sameMajor: true}, "1.4.0 1.4.1 2.0.0", "1.4.1"},
		"not an ignored one":                  {choice{current: "1.4.0", ignored: []string{"1.6.0"}}, "1.4.0 1.5.0 1.6.0", "1.5.0"},
		"back from an ignored one":            {choice{current: "1.6.0", ignored: []string{"1.6.0"}}, "1.4.0 1.5.0 1.6.0", "1.5.0"},
		"of equal ones that of now":           {choice{current: "v1.4.0"}, "1.4.0 v1.4.0 1.4.0.0", "v1.4.0"},
		"of other equal ones the first":       {choice{current: "1.3.0"}, "v1.4.0 1.4.0.0 1.4.0", "1.4.0"},
		"of the same in another order, again": {choice{current: "1.3.0"}, "1.4.0 1.4.0.0 v1.4.0", "1.4.0"},
	} {
		t.Run(title, func(t *testing.T) {
			got, err := c.choice.newest(strings.Fields(c.offered))
			if err != nil || got != c.want {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
		})
	}
}

func TestTheFirstVersionThatCountsIsChosen(t *testing.T) {
	c := choice{current: "v1.4.0", stable: true, sameMajor: true, ignored: []string{"v1.6.0"}}
	got, err := c.first(strings.Fields("nightly v2.0.0 v1.7.0-rc.1 v1.6.0 v1.5.0 v1.5.1 v1.4.0"))
	if err != nil || got != "v1.5.0" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAChoiceFails(t *testing.T) {
	for title, c := range map[string]struct {
		choice  choice
		offered string
		kind    error
		parts   []string
	}{
		"nothing is offered":              {choice{current: "1.4.0"}, "", ErrNone, []string{"0 are offered"}},
		"no version is offered":           {choice{current: "1.4.0"}, "latest 1.5", ErrNone, []string{"2 are offered", "three or more numbers"}},
		"all are ignored":                 {choice{current: "1.4.0", ignored: []string{"1.4.0"}}, "1.4.0", ErrNone, []string{"ignored 1.4.0"}},
		"only another major":              {choice{current: "1.4.0", sameMajor: true}, "2.0.0", ErrNone, []string{"the first is 1"}},
		"only pre-releases":               {choice{current: "1.4.0", stable: true}, "1.5.0-rc.1", ErrNone, []string{"not a pre-release"}},
		"the newest is older":             {choice{current: "1.4.0"}, "1.3.0 1.2.0", ErrBackwards, []string{"1.3.0", "1.4.0", "ignored"}},
		"it is older than a pre-release":  {choice{current: "1.4.0-rc.1"}, "1.3.9", ErrBackwards, []string{"1.3.9", "1.4.0-rc.1"}},
		"a pre-release of the current":    {choice{current: "1.4.0"}, "1.4.0-rc.1", ErrBackwards, []string{"1.4.0-rc.1"}},
		"the current one is no version":   {choice{current: "latest"}, "1.4.0", nil, []string{"current version", "latest"}},
		"another than the one is ignored": {choice{current: "1.4.0", ignored: []string{"1.5.0"}}, "1.3.0 1.5.0", ErrBackwards, []string{"1.3.0"}},
	} {
		t.Run(title, func(t *testing.T) {
			for name, choose := range map[string]func([]string) (string, error){"newest": c.choice.newest, "first": c.choice.first} {
				got, err := choose(strings.Fields(c.offered))
				if err == nil || c.kind != nil && !errors.Is(err, c.kind) {
					t.Errorf("%s: got %q, %v; want %v", name, got, err, c.kind)
					continue
				}
				for _, part := range c.parts {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("%s: %v; does not say %q", name, err, part)
					}
				}
			}
		})
	}
}
