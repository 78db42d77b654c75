package host

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/dockertest"
	"github.com/cybozu-go/neco/internal/dockerapi"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// loaded is the state of a Docker that has every image once fakeDocker has loaded one, and
// runs nothing.
type loaded struct{ file string }

func (l loaded) ImageID(string) string {
	if _, err := os.Stat(l.file); err != nil {
		return ""
	}
	return "sha256:0123456789abcdef"
}

func (loaded) Containers() ([]dockerapi.Container, error) { return nil, nil }

func (loaded) RestartPolicy(string) string { return "" }

func (loaded) Info() dockerapi.Info { return dockerapi.Info{} }

// fakeDocker puts a docker command into PATH. The command logs its arguments and then runs
// script. Docker's API has an image once the command has loaded it.
func fakeDocker(t *testing.T, script string) (calls func() []string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TEST_DIR", dir)
	code := `#!/bin/sh
echo "$*" >>$TEST_DIR/log
case "$1" in
load) cp "$3" $TEST_DIR/loaded ;;
esac
` + script + "\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(code), 0700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("DOCKER_HOST", dockertest.Serve(t, loaded{filepath.Join(dir, "loaded")}))
	return func() []string {
		data, err := os.ReadFile(filepath.Join(dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(data)), "\n")
	}
}

// serveImage starts a registry with one image, given as repository and tag.
func serveImage(t *testing.T, image string) (host string) {
	t.Helper()
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	host = strings.TrimPrefix(srv.URL, "http://")
	ref, err := name.ParseReference(host + "/" + image)
	if err != nil {
		t.Fatal(err)
	}
	img, err := random.Image(1<<12, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	return host
}

func testContainers(t *testing.T, dctest bool) Containers {
	t.Helper()
	c := Containers{FS: FS{Root: t.TempDir()}, Transport: http.DefaultTransport}
	if dctest {
		mustWrite(t, c.FS, "/etc/neco/dctest", "")
	}
	return c
}

func TestPull(t *testing.T) {
	t.Run("fetches an image once", func(t *testing.T) {
		img := neco.ContainerImage{Repository: serveImage(t, "cybozu/serf:1.0") + "/cybozu/serf", Tag: "1.0"}
		calls := fakeDocker(t, "")
		c := testContainers(t, false)
		for range 2 {
			if err := c.Pull(t.Context(), img); err != nil {
				t.Fatal(err)
			}
		}
		full := img.FullName(false)
		tarball := c.FS.Path("/var/lib/neco/tmp/" + strings.NewReplacer("/", "_", ":", "_").Replace(full) + ".tar")
		want := []string{"load -i " + tarball}
		if diff := cmp.Diff(want, calls()); diff != "" {
			t.Error(diff)
		}
		if left := names(t, filepath.Dir(tarball)); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	t.Run("names the image that there is not, and leaves nothing behind", func(t *testing.T) {
		img := neco.ContainerImage{Repository: serveImage(t, "cybozu/serf:1.0") + "/cybozu/serf", Tag: "2.0"}
		fakeDocker(t, "")
		c := testContainers(t, false)
		if err := c.Pull(t.Context(), img); err == nil || !strings.Contains(err.Error(), "cybozu/serf:2.0") {
			t.Errorf("Pull: %v", err)
		}
		if left := names(t, c.FS.Path(tmpDir)); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	t.Run("does not believe a load that changed nothing", func(t *testing.T) {
		img := neco.ContainerImage{Repository: serveImage(t, "cybozu/serf:1.0") + "/cybozu/serf", Tag: "1.0"}
		fakeDocker(t, "rm -f $TEST_DIR/loaded")
		if err := testContainers(t, false).Pull(t.Context(), img); err == nil {
			t.Error("no error")
		}
	})
}

func TestAPrivateImage(t *testing.T) {
	cases := map[string]struct {
		dctest bool
		auth   authn.Authenticator
		want   string // what the registry has to serve
	}{
		"is the private one":                       {false, NewAuth("robot", "secret"), "setup-hw-secret"},
		"is the private one without credentials":   {false, nil, "setup-hw-secret"},
		"is the public one in a test data centre":  {true, nil, "setup-hw"},
		"is the public one there with credentials": {true, NewAuth("robot", "secret"), "setup-hw"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			host := serveImage(t, c.want+":1.0")
			img := neco.ContainerImage{Name: "setup-hw", Repository: host + "/setup-hw", Tag: "1.0", Private: true}
			fakeDocker(t, "")
			containers := testContainers(t, c.dctest)
			containers.Auth = c.auth
			if got, want := containers.FullName(img), host+"/"+c.want+":1.0"; got != want {
				t.Errorf("FullName = %s, want %s", got, want)
			}
			if err := containers.Pull(t.Context(), img); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestThePasswordOfQuayIsNotSentElsewhere(t *testing.T) {
	for registry, want := range map[string]bool{"quay.io": true, "quay.io.example.com": false, "127.0.0.1:5000": false} {
		var sent []string
		transport := roundTrip(func(r *http.Request) (*http.Response, error) {
			if _, password, ok := r.BasicAuth(); ok {
				sent = append(sent, password)
			}
			resp := &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{}, Body: http.NoBody, Request: r}
			resp.Header.Set("WWW-Authenticate", `Basic realm="x"`)
			return resp, nil
		})
		img := neco.ContainerImage{Name: "setup-hw", Repository: registry + "/cybozu/setup-hw", Tag: "1.0", Private: true}
		if err := neco.NewImageFetcher(transport, NewAuth("robot", "hunter2")).GetTarball(t.Context(), img, io.Discard); err == nil {
			t.Errorf("%s: no error", registry)
		}
		if got := len(sent) > 0; got != want {
			t.Errorf("%s: password sent: %v, want %v", registry, got, want)
		}
	}
}

// roundTrip is an HTTP transport that responds to requests without a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestRunInstallTools(t *testing.T) {
	calls := fakeDocker(t, "")
	c := testContainers(t, false)
	img := neco.ContainerImage{Name: "serf", Repository: "quay.io/cybozu/serf", Tag: "1"}
	if err := c.RunInstallTools(t.Context(), img, "/host/usr/local/bin"); err != nil {
		t.Fatal(err)
	}
	want := []string{"run --pull never --rm -u root:root --entrypoint= -v " + c.FS.Path("/usr/local/bin") + ":/host/usr/local/bin" +
		" quay.io/cybozu/serf:1 /usr/local/serf/install-tools"}
	if diff := cmp.Diff(want, calls()); diff != "" {
		t.Error(diff)
	}
}

func TestRunningContainers(t *testing.T) {
	calls := fakeDocker(t, `case "$1" in exec) echo out; echo warning >&2 ;; esac`)
	t.Setenv("DOCKER_HOST", dockertest.Serve(t, &dockertest.State{Running: []dockerapi.Container{{Image: "quay.io/cybozu/serf:0.9.7.10"}}}))
	c := testContainers(t, false)
	for tag, want := range map[string]bool{"0.9.7.10": true, "0.9.7.1": false} {
		img := neco.ContainerImage{Repository: "quay.io/cybozu/serf", Tag: tag}
		if got, err := c.Running(t.Context(), img); err != nil || got != want {
			t.Errorf("Running %s = %v, %v", tag, got, err)
		}
	}
	out, err := c.Exec(t.Context(), "serf", []string{"serf", "members"})
	if err != nil || string(out) != "out\n" {
		t.Errorf("Exec = %q, %v", out, err)
	}
	all := calls()
	if got, want := all[len(all)-1], "exec --privileged -i serf serf members"; got != want {
		t.Errorf("docker %s, want %s", got, want)
	}
}

func TestNewTransport(t *testing.T) {
	transport, err := NewTransport("http://user:secret@proxy.example.com:3128")
	if err != nil {
		t.Fatal(err)
	}
	u, err := transport.Proxy(httptest.NewRequest("GET", "https://quay.io/", nil))
	if err != nil || u.Host != "proxy.example.com:3128" {
		t.Errorf("proxy = %v, %v", u, err)
	}
	if _, err := NewTransport("secret-proxy"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a bad proxy: %v", err)
	}
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	if transport, err := NewTransport(""); err != nil || transport.Proxy != nil {
		t.Errorf("without a proxy: one is used, %v", err)
	}
}

func TestAnImageWhoseTagWasMovedIsKnownByItsID(t *testing.T) {
	const old, moved = "sha256:" + "0123456789abcdef", "sha256:" + "fedcba9876543210"
	img := neco.ContainerImage{Repository: "quay.io/cybozu/etcd", Tag: "3"}
	for title, c := range map[string]struct {
		shown, runs, tagged string // the container's image, the ID of that image, the ID of the name
		running, outdated   bool
	}{
		"by its name":                        {"quay.io/cybozu/etcd:3", old, old, true, false},
		"by its id, and the name means it":   {old, old, old, true, false},
		"by its id, the name means another":  {old, old, moved, false, true},
		"by its id, and the name is removed": {old, old, "", false, false},
		"no such container":                  {"", "", old, false, false},
	} {
		t.Run(title, func(t *testing.T) {
			s := &dockertest.State{Images: map[string]string{"quay.io/cybozu/etcd:3": c.tagged}}
			if c.runs != "" {
				s.Running = []dockerapi.Container{{Names: []string{"/etcd"}, Image: c.shown, ImageID: c.runs}}
			}
			t.Setenv("DOCKER_HOST", dockertest.Serve(t, s))
			containers := testContainers(t, false)
			if got, err := containers.Running(t.Context(), img); err != nil || got != c.running {
				t.Errorf("Running = %v, %v, want %v", got, err, c.running)
			}
			if got := containers.Outdated(t.Context(), "etcd", img); got != c.outdated {
				t.Errorf("Outdated = %v, want %v", got, c.outdated)
			}
		})
	}
}

func TestTheVersionOfAContainerIsTheTagOfItsImage(t *testing.T) {
	for shown, want := range map[string]string{
		"vault-unseal quay.io/cybozu/vault:2.0 vault quay.io/cybozu/vault:1.2.3.1": "1.2.3.1",
		"vault sha256:0123456789abcdef":                                            "", // the name refers to another image now
		"etcd quay.io/cybozu/etcd:3":                                               "",
		"":                                                                         "",
	} {
		s := &dockertest.State{}
		for pair := range slices.Chunk(strings.Fields(shown), 2) {
			s.Running = append(s.Running, dockerapi.Container{Names: []string{"/" + pair[0]}, Image: pair[1]})
		}
		t.Setenv("DOCKER_HOST", dockertest.Serve(t, s))
		if got, err := testContainers(t, false).Version(t.Context(), "vault"); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", shown, got, err, want)
		}
	}
}

func TestWhatTheDaemonRunsAndItsProxies(t *testing.T) {
	t.Setenv("DOCKER_HOST", dockertest.Serve(t, &dockertest.State{
		Running: []dockerapi.Container{{Names: []string{"/etcd-container"}}, {Names: []string{"/serf"}, Labels: map[string]string{"a": "b"}}},
		Daemon:  dockerapi.Info{HTTPProxy: "http://squid:3128", HTTPSProxy: "http://xxxxx:xxxxx@squid:3128/?a&b"},
	}))
	c := testContainers(t, false)
	running, err := c.RunningContainers(t.Context())
	if diff := cmp.Diff([]RunningContainer{{Name: "etcd-container"}, {"serf", map[string]string{"a": "b"}}}, running); diff != "" || err != nil {
		t.Errorf("%s %v", diff, err)
	}
	http, https, err := c.Proxies(t.Context())
	if http != "http://squid:3128" || https != "http://xxxxx:xxxxx@squid:3128/?a&b" || err != nil {
		t.Errorf("%q, %q, %v", http, https, err)
	}
	t.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
	if _, _, err := c.Proxies(t.Context()); err == nil {
		t.Error("no error without a daemon")
	}
}

func TestDockerRestartsContainersByTheirPolicy(t *testing.T) {
	policies := map[string]string{"always": "always", "unless-stopped": "unless-stopped", "on-failure": "on-failure", "no": "no", "none": ""}
	s := &dockertest.State{Policies: policies}
	for name := range policies {
		s.Running = append(s.Running, dockerapi.Container{Names: []string{"/" + name}})
	}
	t.Setenv("DOCKER_HOST", dockertest.Serve(t, s))
	for name, want := range map[string]bool{"always": true, "unless-stopped": true, "on-failure": false, "no": false, "none": false, "ended": false} {
		if got, err := testContainers(t, false).RestartsWithDocker(t.Context(), name); got != want || err != nil {
			t.Errorf("%s: %t, %v, want %t", name, got, err, want)
		}
	}
}

func TestNothingIsLoadedIntoADockerThatCannotBeAsked(t *testing.T) {
	fakeDocker(t, "")
	t.Setenv("DOCKER_HOST", "tcp://10.0.0.1:2375")
	img := neco.ContainerImage{Repository: serveImage(t, "cybozu/serf:1.0") + "/cybozu/serf", Tag: "1.0"}
	err := testContainers(t, false).Pull(t.Context(), img)
	if err == nil || !strings.Contains(err.Error(), "serf:1.0: the environment variable DOCKER_HOST") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(os.Getenv("TEST_DIR"), "loaded")); err == nil {
		t.Error("the image was loaded")
	}
}
