package ignitions_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
)

// failing returns a sabakan whose first n answers are not usable: errors, empty and truncated
// files in turn.
func failing(n int32, contents string) (http.Handler, *atomic.Int32) {
	var count atomic.Int32
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch i := count.Add(1); {
		case i > n:
			fmt.Fprint(w, contents)
		case i%3 == 0:
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "truncated")
		case i%3 == 1:
			http.Error(w, "wait", http.StatusServiceUnavailable)
		}
	}), &count
}

func TestADownloadIsRepeatedUntilItIsComplete(t *testing.T) {
	sabakan, count := failing(19, `{"root": {}}`)
	s := newScriptTest(t, "boot", nil, sabakan)
	s.must(t, "setup-bmc-user")
	if n := count.Load(); n != 20 {
		t.Errorf("%d requests", n)
	}
	if got := s.calls(t, "sleep"); len(got) != 19 || got[0] != "sleep 5" {
		t.Errorf("pauses %q", got)
	}
	info, err := os.Stat(s.path("/etc/neco/bmc-user.json"))
	if err != nil || info.Mode().Perm() != 0o600 || s.read(t, "/etc/neco/bmc-user.json") != `{"root": {}}` {
		t.Errorf("%v %v", info, err)
	}
}

func TestADownloadFailsAfterTwentyAttempts(t *testing.T) {
	sabakan, count := failing(1000, "")
	s := newScriptTest(t, "boot", nil, sabakan)
	s.fails(t, "setup-bmc-user: download "+s.url+"/api/v1/assets/bmc-user.json: all 20 attempts failed", "setup-bmc-user")
	if n := count.Load(); n != 20 {
		t.Errorf("%d requests", n)
	}
	if s.exists("/etc/neco/bmc-user.json*") {
		t.Error("an incomplete file is left")
	}
}

func TestContainerdAndItsToolsAreDownloaded(t *testing.T) {
	sabakan := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) })
	s := newScriptTest(t, "boot", nil, sabakan)
	s.must(t, "setup-k8s-containerd")
	s.must(t, "setup-node-exporter")
	for _, name := range strings.Fields("sbin/containerd sbin/containerd-shim sbin/containerd-shim-runc-v1 sbin/containerd-shim-runc-v2 " +
		"sbin/k8s-runc bin/ctr bin/crictl sbin/node_exporter") {
		path := "/opt/" + name
		if !isExecutable(s.path(path)) || s.read(t, path) != "/api/v1/assets/"+name[strings.Index(name, "/")+1:] {
			t.Errorf("%s is missing or wrong", path)
		}
	}
	if !s.exists("/var/lib/textfile-collector") {
		t.Error("no directory for metrics")
	}
}

func TestTheProgramForDisksRunsWithTheURLOfSabakan(t *testing.T) {
	sabakan := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/cryptsetup" {
			fmt.Fprint(w, "#!/bin/sh\necho \"server $SABAKAN_URL\"\nexit 3\n")
		}
	})
	s := newScriptTest(t, "boot", nil, sabakan)
	s.fails(t, "server "+s.url+"\n", "run-sabakan-cryptsetup")
}

const dockerImages = `
case "$1 $2" in
"image inspect") [ -e %[1]s/loaded ] ;;
"image load") [ "$(cat "$5")" = archive ] && %[2]s ;;
esac`

func TestAnImageIsLoadedOnce(t *testing.T) {
	sabakan, count := failing(0, "archive")
	s := newScriptTest(t, "boot", nil, sabakan)
	s.write(t, "/var/lib/docker/x", "", 0o644)
	s.stub(t, "docker", fmt.Sprintf(dockerImages, s.tree, "touch "+s.path("/loaded")))
	for range 2 {
		s.must(t, "load-image", "docker", "quay.io/cybozu/bird:1", "bird.img")
	}
	if n := count.Load(); n != 1 {
		t.Errorf("%d downloads", n)
	}
	if s.exists("/var/lib/docker/neco/*") {
		t.Error("the archive is left")
	}
	if s.read(t, "/run/neco/docker-images") != strings.Repeat("quay.io/cybozu/bird:1\n", 2) {
		t.Error("docker-prune does not know the image")
	}
}

func TestAnArchiveWithAnotherImageIsAnError(t *testing.T) {
	sabakan, _ := failing(0, "archive")
	s := newScriptTest(t, "boot", nil, sabakan)
	s.stub(t, "docker", fmt.Sprintf(dockerImages, s.tree, "true"))
	s.fails(t, "the asset bird.img does not contain the image bird:1", "load-image", "docker", "bird:1", "bird.img")
	s.fails(t, "'podman' is neither docker nor containerd", "load-image", "podman", "bird:1", "bird.img")
}

func TestAnImageIsLoadedIntoContainerd(t *testing.T) {
	sabakan, count := failing(0, "archive")
	s := newScriptTest(t, "boot", nil, sabakan)
	s.write(t, "/opt/bin/ctr", "#!/bin/sh\necho \"ctr $*\" >>"+s.path("/calls")+"\ncase \"$5 $6\" in\n"+
		"'images list') [ ! -e "+s.path("/loaded")+" ] || echo coil:2 ;;\n'images import') touch "+s.path("/loaded")+" ;;\nesac\n", 0o755)
	for range 2 {
		s.must(t, "load-image", "containerd", "coil:2", "coil.img")
	}
	if n := count.Load(); n != 1 {
		t.Errorf("%d downloads", n)
	}
	const ctr = "ctr --address /var/run/k8s-containerd.sock --namespace k8s.io images "
	list := ctr + "list --quiet name==coil:2"
	s.check(t, "ctr", list, ctr+"import "+s.path("/var/lib/k8s-containerd/neco/coil.img"), list, list)
}
