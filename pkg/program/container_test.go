package program_test

import (
	"slices"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/program"
)

// TestTheNamesOfContainers fixes the names on which operators, scripts and the servers of
// earlier versions of Neco and of the original depend.
func TestTheNamesOfContainers(t *testing.T) {
	for unit, want := range map[string][]string{
		neco.EtcdService:     {"etcd", "etcd-container"},
		neco.VaultService:    {"vault"},
		program.VaultUnseal:  {"vault-unseal"},
		neco.SetupHWService:  {"setup-hw"},
		neco.PromtailService: {"promtail"},
		"unknown":            {"unknown"},
	} {
		if got := program.ContainerNames(unit); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", unit, got, want)
		}
	}
}

func TestAFormerNameOfAContainerHasACurrentOne(t *testing.T) {
	for name, want := range map[string]string{"etcd-container": "etcd", "etcd": "etcd", "vault": "vault", "debug": "debug", "": ""} {
		if got := program.CurrentContainerName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
