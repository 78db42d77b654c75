package vault_test

import (
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component/componenttest"
	"github.com/cybozu-go/neco/pkg/component/vault"
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
		if want := f.Path != neco.ServiceFile(vault.UnsealService); (effective != "") != want {
			t.Errorf("%s: %q", f.Path, effective)
		}
	}
}
