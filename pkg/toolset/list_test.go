package toolset_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
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

// A take-over of a data centre of the original must not remove a program. dctest/original has
// the same programs.
func TestThePackageHasThePrograms(t *testing.T) {
	here := map[string]bool{}
	l, err := toolset.Load("../../debian/tools.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range l.Tools {
		for _, paths := range tool.Install {
			for _, p := range paths {
				here[p] = true
			}
		}
	}
	roots, err := filepath.Glob("../../debian/tools/*/root")
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range append(roots, "../../debian/root") {
		err := fs.WalkDir(os.DirFS(root), ".", func(p string, _ fs.DirEntry, err error) error {
			here["/"+p] = true
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for dir, names := range map[string]string{
		"/usr/bin":            "ckecli kubectl argocd kubeseal stern kustomize logcli yq kubectl-neat kubectl-accurate kubectl-moco amtool tsh tctl cilium hubble rmresf rmresmeta",
		"/usr/sbin":           "node_exporter cke cke-localproxy teleport backup-cke-etcd export-unit-status kill-old-login-sessions",
		neco.WorkerAssetsPath: "containerd containerd-shim containerd-shim-runc-v1 containerd-shim-runc-v2 ctr crictl k8s-runc node_exporter",
		"/lib/systemd/system": "cke.service cke-localproxy.service teleport-node.service node-exporter.service docker-prune.timer kill-old-login-sessions.timer backup-cke-etcd.timer export-unit-status.timer",
	} {
		for _, name := range strings.Fields(names) {
			if !here[path.Join(dir, name)] {
				t.Errorf("no tool of the list and no file below debian is %s/%s", dir, name)
			}
		}
	}
}
