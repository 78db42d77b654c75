package toolset_test

import (
	"path"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/toolset"
)

// Stage makes links of the second and later paths, and pkg/contents uploads only regular files.
func TestNoProgramOfNodesIsALink(t *testing.T) {
	l, err := toolset.Load("../../debian/tools.yaml")
	if err != nil {
		t.Fatal(err)
	}
	programs := 0
	for _, tool := range l.Tools {
		for _, paths := range tool.Install {
			for i, p := range paths {
				if path.Dir(p) != neco.WorkerAssetsPath {
					continue
				}
				programs++
				if i > 0 {
					t.Errorf("%s: %s is a link, which is not uploaded for nodes; list it first", tool.Name, p)
				}
			}
		}
	}
	if programs == 0 {
		t.Errorf("the list has no program in %s", neco.WorkerAssetsPath)
	}
}
