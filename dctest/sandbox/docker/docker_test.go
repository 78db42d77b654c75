package docker

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const image = "quay.io/cybozu/serf:0.9.7.1"

// TestMain lets the test binary act as docker, so that a container is a process that
// can be killed.
func TestMain(m *testing.M) {
	if Called(os.Args) {
		os.Exit(Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// archive writes an image as docker save does.
func archive(t *testing.T) string {
	t.Helper()
	img, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(image)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := tarball.WriteToFile(file, ref, img); err != nil {
		t.Fatal(err)
	}
	return file
}

// call runs docker and returns what it printed.
func call(t *testing.T, root string, stdin []byte, args ...string) (int, string, string) {
	t.Helper()
	var out, errs bytes.Buffer
	code := Run(t.Context(), root, args, bytes.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestAnImageIsThereOnceItWasLoaded(t *testing.T) {
	file := archive(t)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		args  []string
		stdin []byte
	}{
		{"from a file", []string{"load", "-i", file}, nil},
		{"from standard input", []string{"load"}, data},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := t.TempDir()
			if code, _, _ := call(t, root, nil, "image", "inspect", image); code != 1 {
				t.Errorf("inspect before load: exit code %d, want 1", code)
			}
			if code, _, text := call(t, root, tc.stdin, tc.args...); code != 0 {
				t.Fatalf("load: %s", text)
			}
			code, out, _ := call(t, root, nil, "image", "inspect", image)
			if code != 0 || !strings.Contains(out, image) {
				t.Errorf("inspect after load: exit code %d, %q", code, out)
			}
			if _, out, _ := call(t, root, nil, "image", "ls"); out != image+"\n" {
				t.Errorf("ls: %q", out)
			}
		})
	}
}

func TestAnImageThatIsNotWholeIsRefused(t *testing.T) {
	data, err := os.ReadFile(archive(t))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, size := range []int{0, 600, len(data) / 2} {
		if code, _, _ := call(t, root, data[:size], "load"); code == 0 {
			t.Errorf("%d of %d bytes were accepted", size, len(data))
		}
	}
	if _, out, _ := call(t, root, nil, "image", "ls"); out != "" {
		t.Errorf("images: %q", out)
	}
}

// loaded returns the root of a server that has the image.
func loaded(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if code, _, text := call(t, root, nil, "load", "-i", archive(t)); code != 0 {
		t.Fatalf("load: %s", text)
	}
	return root
}

// await runs docker ps until it prints want.
func await(t *testing.T, root, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		_, out, _ := call(t, root, nil, "ps", "--no-trunc", "--format", "{{.Names}} {{.Image}}")
		if strings.TrimSpace(out) == want {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("docker ps prints %q, want %q", out, want)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestInstallToolsCopiesACommand(t *testing.T) {
	root, dir := loaded(t), t.TempDir()
	code, _, text := call(t, root, nil, "run", "--pull", "never", "--rm", "-u", "root:root", "--entrypoint=",
		"-v", dir+":/host/usr/local/bin", image, "/usr/local/serf/install-tools")
	if code != 0 {
		t.Fatal(text)
	}
	info, err := os.Stat(filepath.Join(dir, "serf"))
	if err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("serf was not installed: %v, %v", info, err)
	}
}

func TestWhatIsNotThereIsRefused(t *testing.T) {
	root := loaded(t)
	for _, tc := range []struct {
		name string
		args []string
		code int
		text string
	}{
		{"an image that was not loaded", []string{"run", "--pull=never", "--name=a", "quay.io/cybozu/etcd:1"}, 1, "No such image"},
		{"a pull", []string{"run", "--pull=always", "--name=a", image}, usageExit, "does not support"},
		{"a container to kill", []string{"kill", "a"}, 1, "No such container"},
		{"a container to remove", []string{"rm", "a"}, 1, "No such container"},
		{"a container to work in", []string{"exec", "-i", "a", "true"}, 1, "No such container"},
		{"a command", []string{"swarm"}, usageExit, "docker swarm"},
		{"nothing", nil, usageExit, "does not support"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, _, text := call(t, root, nil, tc.args...)
			if code != tc.code || !strings.Contains(text, tc.text) {
				t.Errorf("exit code %d, %q; want %d, %q", code, text, tc.code, tc.text)
			}
		})
	}
}

func TestRunReadsOptionsAsDockerDoes(t *testing.T) {
	got, err := parseRun(strings.Fields("--name=serf --rm --network=host --log-driver=journald --pull=never --read-only --uts=host " +
		"-u root:root --mount=type=bind,source=/etc/serf,target=/etc/serf,readonly -v /a:/b:ro --privileged " +
		image + " agent -config-file /etc/serf/serf.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := invocation{name: "serf", image: image, args: []string{"agent", "-config-file", "/etc/serf/serf.json"}, volumes: []string{"/a:/b:ro"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(invocation{})); diff != "" {
		t.Error(diff)
	}
}
