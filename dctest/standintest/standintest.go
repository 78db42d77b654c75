// Package standintest builds the stand-ins of the virtual data centre for tests:
// programs of the module dctest/images/tools/standin that imitate real ones. It is for
// tests only.
package standintest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/executable"
	"github.com/cybozu-go/neco/pkg/host"
)

const buildTimeout = 5 * time.Minute

// Build builds the stand-in called name into the file binary.
func Build(name, binary string) error { return BuildTool("standin", "./"+name, name, binary) }

// BuildTool builds the program called name, whose package is pkg, in the module
// dctest/images/tools/<module>, into the file binary. It links the program in the user's cache
// directory, so that the Go tool does so again only after a change. Other processes that build it
// wait: the Go tool does not bear two that link the same file.
func BuildTool(module, pkg, name, binary string) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), buildTimeout, fmt.Errorf("%s is not built within %s", name, buildTimeout))
	defer cancel()
	built := filepath.Join(cache, "neco", "standin", name)
	release, err := host.FS{}.Lock(ctx, built+".lock")
	if err != nil {
		return err
	}
	defer release()
	if err := build(ctx, module, pkg, built); err != nil {
		return err
	}
	data, err := os.ReadFile(built)
	if err != nil {
		return err
	}
	return executable.Write(binary, data)
}

// build builds the package pkg of a module into the file binary.
func build(ctx context.Context, module, pkg, binary string) error {
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		return errors.New("the directory of package standintest is unknown")
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, pkg)
	cmd.Dir = filepath.Join(filepath.Dir(file), "..", "images", "tools", module)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", pkg, errors.Join(err, context.Cause(ctx)), out)
	}
	return nil
}

// Ckecli installs a ckecli with its configuration in the file system fs. The program
// stores its values in the etcd at endpoints or, if there are none, in a directory of the
// test.
func Ckecli(t testing.TB, fs host.FS, endpoints ...string) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	if err := InstallCkecli(fs, endpoints...); err != nil {
		t.Fatal(err)
	}
}

// InstallCkecli does the same as Ckecli, but stores the values below the existing TMPDIR,
// which the caller sets.
func InstallCkecli(fs host.FS, endpoints ...string) error {
	config := "endpoints:\n"
	for _, e := range endpoints {
		config += "- " + e + "\n"
	}
	if _, err := fs.Write(host.File{Path: neco.CKEConfFile, Data: []byte(config), Mode: 0o644}); err != nil {
		return err
	}
	binary := fs.Path(neco.CKECLIBin)
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return err
	}
	return Build("ckecli", binary)
}
