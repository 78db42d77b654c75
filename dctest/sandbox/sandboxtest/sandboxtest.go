// Package sandboxtest helps tests that start a sandbox: it builds packages,
// lets the test's program be the docker of the boot servers, and finds what a
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

// Main runs the tests, unless the program was called as docker.  TestMain has
// to call it, and to exit with what it returns.
func Main(m *testing.M) int {
	if docker.Called(os.Args) {
		return docker.Main(os.Args[1:])
	}
	return m.Run()
}

// Root is the directory of the source that the test was built from.
func Root(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(file) {
		t.Fatal("the program does not say where its source is")
	}
	return filepath.Join(filepath.Dir(file), "../../..")
}

// Debs builds packages of n versions, the oldest first.  What was built before
// from the same source comes from a cache.
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
	cmd := exec.CommandContext(t.Context(), filepath.Join(Root(t), "debian", "build"), args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build packages: %v\n%s", err, out)
	}
	return debs
}

// Processes lists those that belong to a sandbox: their environment names a
// directory below dir.
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
			continue // of another user, or ended meanwhile
		}
		exe, _ := os.Readlink(filepath.Join(filepath.Dir(file), "exe")) // for people only
		found = append(found, fmt.Sprintf("%s %s", filepath.Base(filepath.Dir(file)), exe))
	}
	return found
}
