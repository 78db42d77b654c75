package lrn

import "testing"

func TestARackNumberIsInTheRangeOfAddresses(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "12": 12, "340": 340} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("Parse %q = %d, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "-1", "341", "99999999", "99999999999999999999", "+1", "01", " 1", "1\n", "one"} {
		if n, err := Parse(bad); err == nil {
			t.Errorf("Parse %q = %d", bad, n)
		}
	}
}

func TestServersAreNamedInOneWay(t *testing.T) {
	for want, lrns := range map[string][]int{"boot server 2": {2}, "boot servers 0, 2": {0, 2}} {
		if got := Servers(lrns); got != want {
			t.Errorf("%v: %q", lrns, got)
		}
	}
}
