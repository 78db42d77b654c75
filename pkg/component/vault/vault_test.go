package vault_test

import (
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component/vault"
	"github.com/cybozu-go/neco/pkg/program"
)

func TestFiles(t *testing.T) {
	componenttest.Golden(t, vault.Component{}, componenttest.Target())
}

func TestAnotherWayToUnsealRestartsNothing(t *testing.T) {
	files, err := vault.Component{}.Files(componenttest.Target())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		effective := string(vault.Component{}.Effective(f))
		if want := f.Path != neco.ServiceFile(program.VaultUnseal); (effective != "") != want {
			t.Errorf("%s: %q", f.Path, effective)
		}
	}
}

// TestTheUnsealingStartsWithVaultAlone checks that a Vault which an update has stopped
// and disabled is not unsealed at boot.
func TestTheUnsealingStartsWithVaultAlone(t *testing.T) {
	files, err := vault.Component{}.Files(componenttest.Target())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text := string(f.Data)
		switch f.Path {
		case neco.ServiceFile(program.VaultUnseal):
			if strings.Contains(text, "[Install]") || strings.Contains(text, "Wants=vault") || strings.Contains(text, "Requires=") {
				t.Errorf("it starts by itself, or starts Vault:\n%s", text)
			}
		case neco.ServiceFile(neco.VaultService):
			if !strings.Contains(text, program.VaultUnseal+".service") {
				t.Errorf("Vault does not start it:\n%s", text)
			}
		}
	}
}
