package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/join"
	"github.com/cybozu-go/neco/pkg/setup"
)

// TestFilesAreThoseOfTheWorkingDirectory checks relative paths in arguments, with --root
// being /, another directory, or a directory above the working directory.
func TestFilesAreThoseOfTheWorkingDirectory(t *testing.T) {
	top := t.TempDir()
	here := filepath.Join(top, "here")
	if err := os.MkdirAll(filepath.Join(here, "below"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(here)
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(here, "tok"), "nonsense")
	for name, root := range map[string]string{"/": "/", "elsewhere": t.TempDir(), "around": top} {
		t.Run(name, func(t *testing.T) {
			env := &Env{FS: host.FS{Root: root}, Getenv: func(string) string { return "" }}
			var o join.Options
			err := readToken(&cobra.Command{}, env, "tok", &o)
			if err == nil || strings.Contains(err.Error(), "no such file") {
				t.Errorf("join --token-file tok: %v", err)
			}
			for named, want := range map[string]string{
				"tok": filepath.Join(here, "tok"), "./below/tok": filepath.Join(here, "below", "tok"), "../tok": filepath.Join(top, "tok"),
				"/etc/neco/tok": filepath.Join(root, "/etc/neco/tok"),
			} {
				o := setup.Options{LRNs: []int{0, 1, 2}, TokenFile: named, AdminPasswordFile: named}
				o.FS = env.FS
				if root != "/" {
					write(env.FS.Path(neco.RackFile), "0\n")
					if err := settleSetup(&cobra.Command{}, env, &o); err != nil {
						t.Fatal(err)
					}
				} else if err := env.fromHere(&o.TokenFile, &o.AdminPasswordFile); err != nil {
					t.Fatal(err)
				}
				if got := o.FS.Path(o.TokenFile); got != want {
					t.Errorf("setup --token-file %s is %s, want %s", named, got, want)
				}
				if got := o.FS.Path(o.AdminPasswordFile); got != want {
					t.Errorf("setup --admin-password-file %s is %s, want %s", named, got, want)
				}
			}
		})
	}
}

func TestAFileThatIsNotNamedStaysNone(t *testing.T) {
	name := ""
	if err := (&Env{FS: host.FS{Root: "/"}}).fromHere(&name); err != nil || name != "" {
		t.Errorf("%q, %v", name, err)
	}
}
