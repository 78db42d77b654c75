package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/cybozu-go/neco"
)

const imageName = "quay.io/cybozu/etcd:3.5.4.1"

// privateImage returns the image of the artifact set that has a private repository, too.
func privateImage(t *testing.T) neco.ContainerImage {
	t.Helper()
	i := slices.IndexFunc(neco.CurrentArtifacts.Images, func(img neco.ContainerImage) bool { return img.Private })
	if i < 0 {
		t.Fatal("no image of the artifact set is private")
	}
	return neco.CurrentArtifacts.Images[i]
}

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// built creates a directory like that of dctest/images/build.
func built(t *testing.T) (dir string, img v1.Image) {
	t.Helper()
	dir = t.TempDir()
	img, err := random.Image(5000, 2)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewTag(imageName)
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(dir, "etcd.tar")
	if err := tarball.WriteToFile(archive, ref, img); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(index{
		Images: []builtImage{{Names: []string{imageName, "ghcr.io/cybozu-go/etcd:1", privateImage(t).FullName(false)}, File: archive}},
		Debs: []builtDeb{{
			Name: "etcdpasswd", Release: "v1.4.0", Asset: "etcdpasswd_1.4.0_amd64.deb",
			File: write(t, filepath.Join(dir, "etcdpasswd.deb"), "users"),
		}},
		OS: builtOS{
			Channel: "stable", Version: "3139.2.1",
			Kernel: write(t, filepath.Join(dir, "kernel"), "a kernel"),
			Initrd: write(t, filepath.Join(dir, "initrd"), "a disk"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "index.json"), string(data))
	return dir, img
}

// world is a running simulated internet.
type world struct {
	opts      Options
	image     v1.Image
	addresses []string // with TLS, and without
	client    *http.Client
}

func start(t *testing.T) *world {
	t.Helper()
	dir, img := built(t)
	ready := make(chan []string, 1)
	w := &world{image: img, opts: Options{
		Listen: []string{"127.0.0.1:0", "http://127.0.0.1:0"},
		CADir:  t.TempDir(), Images: dir, Releases: filepath.Join(t.TempDir(), "releases"),
		Served: filepath.Join(t.TempDir(), "served.json"),
		Ready:  func(at []string) { ready <- at }, Log: slog.New(slog.DiscardHandler),
	}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, w.opts) }()
	t.Cleanup(cancel)
	select {
	case w.addresses = <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	w.client = w.trusting(t)
	t.Cleanup(func() {
		w.client.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return w
}

// trusting returns a client that trusts the CA and connects to no other server.
func (w *world) trusting(t *testing.T) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(w.opts.CADir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			to := w.addresses[0]
			if _, port, _ := net.SplitHostPort(address); port == "80" {
				to = w.addresses[1]
			}
			return (&net.Dialer{}).DialContext(ctx, network, to)
		},
		TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true,
	}}
}

func (w *world) get(t *testing.T, address string) (status int, body string) {
	t.Helper()
	res, err := w.client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data)
}
