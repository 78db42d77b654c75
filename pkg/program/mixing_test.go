package program_test

import (
	"testing"

	"github.com/cybozu-go/neco/pkg/program"
)

func TestWhichVersionsMix(t *testing.T) {
	for _, c := range []struct {
		rule program.Mixing
		a, b string
		want bool
	}{
		{program.MixesFreely, "1.0.0.1", "2.0.0.1", true},
		{program.MixesWithinMajor, "1.0.0.1", "1.9.9.2", true},
		{program.MixesWithinMajor, "v1.0.0", "1.9.9.2", true},
		{program.MixesWithinMajor, "1.0.0.1", "10.0.0.1", false},
		{program.MixesNever, "1.26.1", "1.26.1", true},
		{program.MixesNever, "1.26.1", "1.26.2", false},
	} {
		if got := c.rule.Allows(c.a, c.b); got != c.want {
			t.Errorf("rule %d, %s and %s: %t", c.rule, c.a, c.b, got)
		}
	}
}

func TestTheGroupsOfAnUpdate(t *testing.T) {
	names := program.Names(program.Groups())
	if len(names) != 2 || names[0] != program.Vault || names[1] != program.CKE {
		t.Errorf("%v; group names are keys in etcd below switch/", names)
	}
}
