package neco

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeDocker puts a docker command in PATH. The command appends its arguments to a log,
// stores the image that it is to load, and then runs script.
func fakeDocker(t *testing.T, script string) (log func() []string, loaded string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TEST_DIR", dir)
	program(t, "docker", `echo "$*" >>$TEST_DIR/log; if [ "$1" = load ]; then cat >$TEST_DIR/loaded; fi; `+script)
	return func() []string {
		data, err := os.ReadFile(filepath.Join(dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(data)), "\n")
	}, filepath.Join(dir, "loaded")
}

func testRuntime(t *testing.T, isTest bool) dockerRuntime {
	t.Helper()
	file := tempFile(t, "")
	if !isTest {
		file += ".absent"
	}
	return dockerRuntime{transport: http.DefaultTransport, testFile: file}
}

var setupHW = ContainerImage{Name: "setup-hw", Repository: "quay.io/cybozu/setup-hw", Tag: "1.12.0", Private: true}

func TestPrivateImagesAreUsedEverywhereButInATestDataCentre(t *testing.T) {
	for isTest, want := range map[bool]string{false: "quay.io/cybozu/setup-hw-secret:1.12.0", true: "quay.io/cybozu/setup-hw:1.12.0"} {
		if got := testRuntime(t, isTest).ImageFullName(setupHW); got != want {
			t.Errorf("ImageFullName = %s, want %s", got, want)
		}
	}
}

func TestRunGivesDockerExactlyTheContractsCommand(t *testing.T) {
	log, _ := fakeDocker(t, "")
	binds := []Bind{{Name: "host", Source: "/usr/local/bin", Dest: "/host"}, {Source: "/etc", Dest: "/etc", ReadOnly: true}}
	err := testRuntime(t, true).Run(t.Context(), setupHW, binds, []string{"/usr/local/setup-hw/install-tools", "-x"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"run --pull never --rm -u root:root --entrypoint= -v /usr/local/bin:/host -v /etc:/etc:ro " +
		"quay.io/cybozu/setup-hw:1.12.0 /usr/local/setup-hw/install-tools -x"}
	if diff := cmp.Diff(want, log()); diff != "" {
		t.Error(diff)
	}
}

func TestRunTellsWhatDockerSaid(t *testing.T) {
	fakeDocker(t, "echo no such image >&2; exit 125")
	err := testRuntime(t, true).Run(t.Context(), setupHW, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "no such image") {
		t.Errorf("Run: %v", err)
	}
}

func TestExecReturnsTheCommandsOwnError(t *testing.T) {
	log, _ := fakeDocker(t, "exit 7")
	err := testRuntime(t, true).Exec(t.Context(), "etcd", false, []string{"etcdctl", "member", "list"})
	if err == nil || err.Error() != "exit status 7" {
		t.Errorf("Exec: %v", err)
	}
	if diff := cmp.Diff([]string{"exec --privileged -i etcd etcdctl member list"}, log()); diff != "" {
		t.Error(diff)
	}
}

func TestIsRunningComparesFullNames(t *testing.T) {
	fakeDocker(t, "echo quay.io/cybozu/setup-hw:1.12.0; echo quay.io/cybozu/etcd:3.5.4.10")
	rt := testRuntime(t, true)
	for img, want := range map[ContainerImage]bool{
		setupHW: true,
		{Repository: "quay.io/cybozu/etcd", Tag: "3.5.4.1"}: false,
	} {
		if got, err := rt.IsRunning(img); err != nil || got != want {
			t.Errorf("IsRunning(%v) = %v, %v", img, got, err)
		}
	}
}

func TestIsRunningKnowsAnImageByItsID(t *testing.T) {
	fakeDocker(t, `case "$1" in ps) echo sha256:0123 ;; image) case "$5" in *:3.5.4.1) echo sha256:0123 ;; *) echo sha256:4567 ;; esac ;; esac`)
	for tag, want := range map[string]bool{"3.5.4.1": true, "3.5.4.2": false} {
		if got, err := testRuntime(t, true).IsRunning(ContainerImage{Repository: "quay.io/cybozu/etcd", Tag: tag}); err != nil || got != want {
			t.Errorf("IsRunning %s = %v, %v", tag, got, err)
		}
	}
}

func TestPull(t *testing.T) {
	host, _ := serveImages(t, plain, "cybozu/etcd:3.5")
	img := ContainerImage{Name: "etcd", Repository: host + "/cybozu/etcd", Tag: "3.5"}

	t.Run("loads what it has fetched itself", func(t *testing.T) {
		log, loaded := fakeDocker(t, `[ "$1" = load ]`)
		if err := testRuntime(t, false).Pull(t.Context(), img); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"image inspect " + img.FullName(false), "load"}, log()); diff != "" {
			t.Error(diff)
		}
		if fi, err := os.Stat(loaded); err != nil || fi.Size() < 3<<16 {
			t.Errorf("loaded: %v, %v", fi, err)
		}
	})
	t.Run("does nothing for an image that is there", func(t *testing.T) {
		log, _ := fakeDocker(t, "")
		if err := testRuntime(t, false).Pull(t.Context(), img); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"image inspect " + img.FullName(false)}, log()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("names the image that the registry does not have", func(t *testing.T) {
		fakeDocker(t, `[ "$1" = load ]`)
		gone := img
		gone.Tag = "0.0"
		if err := testRuntime(t, false).Pull(t.Context(), gone); err == nil || !strings.Contains(err.Error(), "etcd:0.0") {
			t.Errorf("Pull: %v", err)
		}
	})
	t.Run("tells why docker would not load it", func(t *testing.T) {
		program(t, "docker", `[ "$1" = load ] && echo no space left on device >&2; exit 1`)
		if err := testRuntime(t, false).Pull(t.Context(), img); err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("Pull: %v", err)
		}
	})
}

func TestGetContainerRuntime(t *testing.T) {
	fakeDocker(t, "")
	if _, err := GetContainerRuntime("http://proxy.example.com:3128"); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"proxy", "://", "/proxy"} {
		if _, err := GetContainerRuntime(bad); err == nil {
			t.Errorf("proxy %q is no error", bad)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := GetContainerRuntime(""); err == nil || !strings.Contains(err.Error(), "docker") {
		t.Errorf("without docker: %v", err)
	}
}
