package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/setup"
)

func TestASetupAgainNamesAServerThatIsNotOfItsDataCentre(t *testing.T) {
	ours := strings.Join(neco.EtcdEndpoints([]int{0, 1, 2}), ", ")
	for name, c := range map[string]struct{ endpoints, want string }{
		"ours":                        {ours, "boot server 3 is not in its data centre"},
		"etcd that Neco did not make": {"http://10.0.0.9:2379", ""},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			file := filepath.Join(root, neco.NecoConfFile)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, fmt.Appendf(nil, "endpoints: [%s]\nprefix: /neco/\n", c.endpoints), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := &cobra.Command{}
			var out strings.Builder
			cmd.SetOut(&out)
			err := setUpAlready(cmd, &Env{FS: host.FS{Root: root}}, setup.Options{LRN: 0, LRNs: []int{0, 1, 3}})
			switch {
			case c.want == "" && (err != nil || !strings.Contains(out.String(), "set up already")):
				t.Errorf("%v, it said %q", err, out.String())
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestAPlanOfDepartureSaysThatItIsThisServer(t *testing.T) {
	for _, own := range []bool{true, false} {
		var out strings.Builder
		departurePlan{lrn: 2, registered: []int{0, 1, 2}, own: own}.print(&out)
		if strings.Contains(out.String(), "it is the one on which you run the command") != own {
			t.Errorf("own %t:\n%s", own, &out)
		}
	}
}
