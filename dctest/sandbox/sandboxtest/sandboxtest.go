// Package sandboxtest helps tests that start a sandbox: it builds packages, lets the test
// binary act as the docker command of the boot servers, and finds processes that a
// sandbox has left behind.
//
// It must not know what is tested.
package sandboxtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/cybozu-go/neco/dctest/sandbox/docker"
	"github.com/cybozu-go/neco/pkg/release"
)

// Main runs the tests and returns the exit code. If the program was called as docker, it
// acts as the docker command instead. TestMain must call it and exit with that code.
func Main(m *testing.M) int {
	if docker.Called(os.Args) {
		return docker.Main(os.Args[1:])
	}
	return m.Run()
}

// Root returns the root directory of the source that the test was built from.
func Root(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		t.Fatal("the test binary has no absolute path of its source")
	}
	return filepath.Join(filepath.Dir(file), "../../..")
}

// Debs builds packages of n versions and returns their paths, the oldest version first.
// Earlier builds of the same source are cached.
func Debs(t testing.TB, n int) []string {
	t.Helper()
	dir := t.TempDir()
	args := []string{dir}
	var debs []string
	for i := range n {
		v := release.Version{Date: 20260101, Serial: int64(i + 1)}
		args = append(args, v.String())
		debs = append(debs, filepath.Join(dir, release.PackageFile(v)))
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(Root(t), "dctest", "sandbox", "build-debs"), args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build packages: %v\n%s", err, out)
	}
	return debs
}

// Processes lists the processes of the sandbox in dir, recognized by their environment.
func Processes(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(data, fmt.Appendf(nil, "%s=%s/", docker.RootEnv, dir)) {
			continue // the process of another user, or one that has ended
		}
		exe, _ := os.Readlink(filepath.Join(filepath.Dir(file), "exe")) // only for the message
		found = append(found, fmt.Sprintf("%s %s", filepath.Base(filepath.Dir(file)), exe))
	}
	return found
}
