package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/cybozu-go/neco"
)

func TestAnImageIsPulledUnderEachOfItsNames(t *testing.T) {
	w := start(t)
	for _, full := range []string{imageName, "ghcr.io/cybozu-go/etcd:1"} {
		ref, err := name.ParseReference(full)
		if err != nil {
			t.Fatal(err)
		}
		img, err := remote.Image(ref, remote.WithContext(t.Context()), remote.WithTransport(w.client.Transport))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(img); err != nil {
			t.Errorf("%s: %v", full, err)
		}
		got, err := img.ConfigName()
		if err != nil {
			t.Fatal(err)
		}
		want, _ := w.image.ConfigName()
		if got != want {
			t.Errorf("%s is %s, want %s", full, got, want)
		}
	}
}

func TestAPrivateImageIsPulledWithAnAccountOnly(t *testing.T) {
	w := start(t)
	for _, full := range []string{privateImage(t).FullName(true), privateImage(t).FullName(false)} {
		ref, err := name.ParseReference(full)
		if err != nil {
			t.Fatal(err)
		}
		options := []remote.Option{remote.WithContext(t.Context()), remote.WithTransport(w.client.Transport)}
		_, err = remote.Image(ref, options...)
		if refused := err != nil && strings.Contains(err.Error(), "UNAUTHORIZED"); refused != (full == privateImage(t).FullName(true)) {
			t.Errorf("%s without an account: %v", full, err)
		}
		img, err := remote.Image(ref, append(options, remote.WithAuth(&authn.Basic{Username: "neco", Password: "a password"}))...)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(img); err != nil {
			t.Errorf("%s: %v", full, err)
		}
	}
	want := `"authorization":"Basic ` + base64.StdEncoding.EncodeToString([]byte("neco:a password")) + `"`
	if data, err := os.ReadFile(w.opts.Served); err != nil || !strings.Contains(string(data), want) {
		t.Errorf("%q, %v; want %s", data, err, want)
	}
}

func TestAMessageToSlackIsLogged(t *testing.T) {
	w := start(t)
	res, err := w.client.Post("https://hooks.slack.com/services/T0/B0/x", "application/json", strings.NewReader(`{"text":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	want := `{"host":"hooks.slack.com","path":"/services/T0/B0/x","bytes":2}`
	if data, err := os.ReadFile(w.opts.Served); err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(data), want+"\n") {
		t.Errorf("%s, %q, %v; want a line %s", res.Status, data, err, want)
	}
}

func TestAnImageHasSuccessorsWithOtherDigests(t *testing.T) {
	w := start(t)
	digests := map[v1.Hash]string{}
	for _, tag := range []string{"3.5.4.1", "3.5.4.2", "4.5.4.1"} {
		ref, err := name.ParseReference("quay.io/cybozu/etcd:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		img, err := remote.Image(ref, remote.WithContext(t.Context()), remote.WithTransport(w.client.Transport))
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(img); err != nil {
			t.Errorf("%s: %v", tag, err)
		}
		digest, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if other := digests[digest]; other != "" {
			t.Errorf("%s is the same image as %s", tag, other)
		}
		digests[digest] = tag
	}
}

func TestTheBytesOfEachResponseAreLogged(t *testing.T) {
	w := start(t)
	kernel, _ := neco.OSImage{Channel: "stable", Version: "3139.2.1"}.URLs()
	u, err := url.Parse(kernel)
	if err != nil {
		t.Fatal(err)
	}
	w.get(t, kernel)
	want := fmt.Sprintf(`{"host":%q,"path":%q,"bytes":%d}`, u.Host, u.Path, len("a kernel"))
	data, err := os.ReadFile(w.opts.Served)
	if err != nil || !strings.Contains(string(data), want+"\n") {
		t.Errorf("%q, %v; want a line %s", data, err, want)
	}
}

func TestNobodyPushesAnImage(t *testing.T) {
	w := start(t)
	ref, err := name.ParseReference("quay.io/cybozu/etcd:9")
	if err != nil {
		t.Fatal(err)
	}
	err = remote.Write(ref, w.image, remote.WithContext(t.Context()), remote.WithTransport(w.client.Transport))
	if err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("push: %v", err)
	}
}

func TestADownloadOfALayerGoesOn(t *testing.T) {
	w := start(t)
	layers, err := w.image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	digest, _ := layers[0].Digest()
	size, _ := layers[0].Size()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://quay.io/v2/cybozu/etcd/blobs/"+digest.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Range", "bytes=100-")
	res, err := w.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err != nil || res.StatusCode != http.StatusPartialContent || n != size-100 {
		t.Errorf("%s with %d bytes of %d, %v", res.Status, n, size, err)
	}
}

func TestKernelAndInitrdAreWhereNecoLooksForThem(t *testing.T) {
	w := start(t)
	kernel, initrd := neco.OSImage{Channel: "stable", Version: "3139.2.1"}.URLs()
	for address, want := range map[string]string{kernel: "a kernel", initrd: "a disk"} {
		if status, body := w.get(t, address); status != http.StatusOK || body != want {
			t.Errorf("%s: %d %q", address, status, body)
		}
	}
	if status, _ := w.get(t, strings.Replace(kernel, "3139", "3140", 1)); status != http.StatusNotFound {
		t.Errorf("another version: %d", status)
	}
}

func TestAPackageOfTheArtifactSetIsAtItsRelease(t *testing.T) {
	w := start(t)
	status, body := w.get(t, "https://api.github.com/repos/cybozu-go/etcdpasswd/releases/tags/v1.4.0")
	if status != http.StatusOK || !strings.Contains(body, "etcdpasswd_1.4.0_amd64.deb") {
		t.Errorf("%d %s", status, body)
	}
	_, body = w.get(t, "https://github.com/cybozu-go/etcdpasswd/releases/download/v1.4.0/etcdpasswd_1.4.0_amd64.deb")
	if body != "users" {
		t.Errorf("download: %q", body)
	}
}

func TestWhatComesWithoutTLSIsSentToTLS(t *testing.T) {
	w := start(t)
	kernel, _ := neco.OSImage{Channel: "stable", Version: "3139.2.1"}.URLs()
	if status, body := w.get(t, strings.Replace(kernel, "https:", "http:", 1)); status != http.StatusOK || body != "a kernel" {
		t.Errorf("%d %q", status, body)
	}
}

func TestThereIsNothingElse(t *testing.T) {
	w := start(t)
	if status, _ := w.get(t, "https://alpha."+flatcarDomain+"/"); status != http.StatusMisdirectedRequest {
		t.Errorf("a channel of which nothing was built: %d", status)
	}
	if _, err := w.client.Get("https://example.com/"); err == nil {
		t.Error("a host of no certificate was reached")
	}
}

func TestTheCAIsCreatedOnce(t *testing.T) {
	dir := t.TempDir()
	first, err := openCA(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := openCA(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !first.cert.Equal(again.cert) || !first.key.Equal(again.key) {
		t.Error("another CA was created")
	}
	info, err := os.Stat(filepath.Join(dir, "ca.key"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the key is %v, %v", info.Mode(), err)
	}
	if err := os.Remove(filepath.Join(dir, "ca.key")); err != nil {
		t.Fatal(err)
	}
	if _, err := openCA(dir); err == nil || !exists(filepath.Join(dir, "ca.crt")) {
		t.Errorf("a certificate without key: %v", err)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	dir, _ := built(t)
	broken := t.TempDir()
	write(t, filepath.Join(broken, "index.json"), `{"images":[{"names":["quay.io/a/b:1"],"file":"/does/not/exist"}]}`)
	cases := map[string]struct {
		opts Options
		want string
	}{
		"no index":    {Options{Images: t.TempDir()}, "index.json"},
		"no image":    {Options{Images: broken}, "/does/not/exist"},
		"no OS image": {Options{Images: dir, OS: broken}, "flatcar_production_pxe"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.opts.CADir, c.opts.Releases = t.TempDir(), t.TempDir()
			if err := Run(t.Context(), c.opts); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v does not name %s", err, c.want)
			}
		})
	}
}

func TestVersionsAreReadFromFileNames(t *testing.T) {
	got := map[string]string{}
	for _, file := range []string{
		"neco_2024.01.02-1_amd64.deb", "neco_2024.01.02-1_amd64.deb.sha256", "neco_2024.1.2-1_amd64.deb",
		"neco_2024.01.02-1_arm64.deb", "cke_2024.01.02-1_amd64.deb", ".neco_2024.01.02-1_amd64.deb",
	} {
		if v, ok := versionOf(file); ok {
			got[file] = fmt.Sprint(v)
		}
	}
	if diff := cmp.Diff(map[string]string{"neco_2024.01.02-1_amd64.deb": "2024.01.02-1"}, got); diff != "" {
		t.Error(diff)
	}
}
