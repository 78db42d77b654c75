package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

func TestAssetsAreServedAsTheyCame(t *testing.T) {
	c := newServer(t)
	c.call(400, "PUT", "/api/v1/assets/x", "text")
	kind := []string{"Content-Type", "text/plain"}
	c.call(500, "PUT", "/api/v1/assets/x", "text", append(kind, "X-Sabakan-Asset-SHA256", strings.Repeat("0", 64))...)
	c.call(413, "PUT", "/api/v1/assets/x", "text", append(kind, "Content-Length", "4294967297")...)
	c.call(404, "GET", "/api/v1/assets/x/meta", "")
	c.call(201, "PUT", "/api/v1/assets/x", "text", append(kind, "X-Sabakan-Asset-Options-Version", "1.0")...)
	for range 2 { // an unchanged asset keeps its id
		if got := c.call(200, "PUT", "/api/v1/assets/x", "text 2", kind...); got != "{\"id\":\"2\",\"status\":200}\n" {
			t.Error(got)
		}
	}
	if got := c.call(200, "GET", "/api/v1/assets/x", ""); got != "text 2" {
		t.Error(got)
	}
	if got := c.call(200, "GET", "/api/v1/assets", ""); got != "[\"x\"]\n" {
		t.Error(got)
	}
}

// pair returns two servers that use the same store.
func pair(t *testing.T) (first, second *server) {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(store.Config{}, filepath.Join(dir, "store"))
	if err != nil {
		t.Fatal(err)
	}
	start := func(name string) *server {
		srv := &server{store: s, allow: loopback(), blobs: blobs{dir: filepath.Join(dir, name), client: http.DefaultClient}}
		if err := os.Mkdir(srv.blobs.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { srv.handler().ServeHTTP(w, r) }))
		t.Cleanup(h.Close)
		srv.blobs.self = h.URL
		return srv
	}
	return start("first"), start("second")
}

func TestAnAssetOfAnotherServerIsARedirect(t *testing.T) {
	first, second := pair(t)
	client{t, first.handler()}.call(201, "PUT", "/api/v1/assets/x", "text", "Content-Type", "text/plain")
	w := httptest.NewRecorder()
	second.handler().ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/assets/x", nil))
	if got := w.Header().Get("Location"); w.Code != 302 || got != first.blobs.self+"/api/v1/assets/x" {
		t.Errorf("%d %s", w.Code, got)
	}
}

func TestUploadsAreCopiedToTheOtherServers(t *testing.T) {
	first, second := pair(t)
	a, b := client{t, first.handler()}, client{t, second.handler()}
	a.call(201, "PUT", "/api/v1/assets/x", "text", "Content-Type", "text/plain")
	a.call(201, "PUT", "/api/v1/images/coreos/1", archive(t, "kernel", "initrd"))
	b.call(404, "GET", "/api/v1/boot/coreos/kernel", "")
	for range 2 {
		if err := second.pull(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.call(200, "GET", "/api/v1/assets/x", ""); got != "text" {
		t.Error(got)
	}
	if got := b.call(200, "GET", "/api/v1/boot/coreos/kernel", ""); got != "kernel" {
		t.Error(got)
	}
	urls := fmt.Sprintf(`"urls":["%s","%s"]`, first.blobs.self, second.blobs.self)
	for _, path := range []string{"/api/v1/assets/x/meta", "/api/v1/images/coreos"} {
		if got := b.call(200, "GET", path, ""); !strings.Contains(got, urls) || !strings.Contains(got, `"exists":true`) {
			t.Error(got)
		}
	}
}

// archive returns the archive of an image.
func archive(t *testing.T, kernel, initrd string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, content := range map[string]string{"kernel": kernel, "initrd.gz": initrd} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// images returns the IDs of the images in the index, joined.
func (c client) images() string {
	c.t.Helper()
	var index []struct {
		ID     string
		Size   int64
		Exists bool
	}
	if err := json.Unmarshal([]byte(c.call(200, "GET", "/api/v1/images/coreos", "")), &index); err != nil {
		c.t.Fatal(err)
	}
	var ids []string
	for _, i := range index {
		if i.Size == 0 || !i.Exists {
			c.t.Errorf("%+v", i)
		}
		ids = append(ids, i.ID)
	}
	return strings.Join(ids, " ")
}

func TestImagesAreKeptUpToFive(t *testing.T) {
	c := newServer(t)
	c.call(400, "PUT", "/api/v1/images/coreos/1", "no archive")
	c.call(400, "PUT", "/api/v1/images/coreos/1", archive(t, "kernel", ""))
	tar := archive(t, "kernel", "initrd")
	c.call(400, "PUT", "/api/v1/images/coreos/1_0", tar)
	for i := range 6 {
		c.call(201, "PUT", fmt.Sprintf("/api/v1/images/coreos/%d", i), tar)
	}
	if got := c.images(); got != "1 2 3 4 5" {
		t.Error(got)
	}
	if got := c.call(200, "GET", "/api/v1/images/coreos", ""); !strings.Contains(got, `"size":12,`) {
		t.Error(got)
	}
	c.call(201, "PUT", "/api/v1/images/coreos/3", archive(t, "newer kernel", "initrd"))
	if got := c.images(); got != "1 2 4 5 3" {
		t.Error(got)
	}
	if got := c.call(200, "GET", "/api/v1/images/coreos/5", ""); got != tar {
		t.Error("another image came back")
	}
}

func TestTheLastTenRemovedImagesAreRefused(t *testing.T) {
	c := newServer(t)
	tar := archive(t, "kernel", "initrd")
	for i := range 11 {
		c.call(201, "PUT", fmt.Sprintf("/api/v1/images/coreos/%d", i), tar)
		c.call(200, "DELETE", fmt.Sprintf("/api/v1/images/coreos/%d", i), "")
	}
	c.call(409, "PUT", "/api/v1/images/coreos/1", tar)
	c.call(409, "PUT", "/api/v1/images/coreos/10", tar)
	c.call(201, "PUT", "/api/v1/images/coreos/0", tar)
}

func TestAMachineBootsTheNewestImage(t *testing.T) {
	c := withMachines(t)
	c.call(404, "GET", "/api/v1/boot/ipxe.efi", "")
	c.call(404, "GET", "/api/v1/boot/coreos/kernel", "")
	c.call(201, "PUT", "/api/v1/images/coreos/1", archive(t, "old kernel", "old initrd"))
	c.call(201, "PUT", "/api/v1/images/coreos/2", archive(t, "kernel", "initrd"))
	if got := c.call(200, "GET", "/api/v1/boot/coreos/kernel", ""); got != "kernel" {
		t.Error(got)
	}
	if got := c.call(200, "GET", "/api/v1/boot/coreos/initrd.gz", ""); got != "initrd" {
		t.Error(got)
	}
	if got := c.call(200, "GET", "/api/v1/boot/coreos/ipxe", ""); !strings.Contains(got, "chain "+self+"/api/v1/boot/coreos/ipxe/${serial}") {
		t.Error(got)
	}
	c.call(404, "GET", "/api/v1/boot/coreos/ipxe/x", "")
	c.call(404, "GET", "/api/v1/boot/coreos/ipxe/b", "")
	c.call(201, "PUT", "/api/v1/ignitions/cs/10.0.0", emptyTemplate)
	c.call(201, "PUT", "/api/v1/ignitions/cs/9.0.0", emptyTemplate)
	c.call(200, "PUT", "/api/v1/kernel_params/coreos", "console=ttyS0")
	got := c.call(200, "GET", "/api/v1/boot/coreos/ipxe/b", "")
	const base = self + "/api/v1/boot/"
	for _, want := range []string{
		"kernel " + base + "coreos/kernel initrd=initrd.gz coreos.first_boot=1 coreos.config.url=" + base + "ignitions/b/10.0.0 console=ttyS0\n",
		"initrd " + base + "coreos/initrd.gz\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}
