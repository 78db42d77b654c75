package program_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/program"
)

func TestNoTwoProgramsShareAnything(t *testing.T) {
	owner := map[string]string{}
	claim := func(name, thing string) {
		if other, taken := owner[thing]; taken && thing != "" {
			t.Errorf("%s and %s have %s", other, name, thing)
		}
		owner[thing] = name
	}
	for _, p := range program.All() {
		claim(p.Name, "name "+p.Name)
		for _, unit := range p.Units {
			claim(p.Name, "unit "+unit)
			for _, name := range program.ContainerNames(unit) {
				claim(p.Name, "container "+name)
			}
		}
		if p.User != nil {
			claim(p.Name, p.User.Cert)
			claim(p.Name, p.User.Key)
			claim(p.Name, p.User.Prefix)
		}
		if p.Prepared != nil {
			claim(p.Name, p.Prepared.Config)
		}
	}
}

// TestWhatOthersRelyOn fixes the users and key prefixes, on which the data in etcd
// depend, and the mount points, on which the images depend.
func TestWhatOthersRelyOn(t *testing.T) {
	prefixes := map[string]string{}
	for _, p := range program.Users() {
		prefixes[p.Name] = p.User.Prefix
	}
	want := map[string]string{"vault": "/vault/", "neco": "", "backup": "", "cke": "/cke/", "etcdpasswd": "/passwd/", "sabakan": "/sabakan/"}
	if diff := cmp.Diff(want, prefixes); diff != "" {
		t.Error(diff)
	}
	mounts := map[string]string{}
	for _, p := range program.All() {
		if m := program.ToolsMount(p.Name); m != "" {
			mounts[p.Name] = m
		}
	}
	want = map[string]string{"etcd": "/host", "vault": "/host", "serf": "/host/usr/local/bin", "sabakan": "/host/usr/local/bin"}
	if diff := cmp.Diff(want, mounts); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"cke", "etcdpasswd", "sabakan", "teleport"}, program.Names(program.OnRequest())); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"cke", "etcdpasswd", "sabakan"}, program.Names(program.OnServers())); diff != "" {
		t.Error(diff)
	}
}
