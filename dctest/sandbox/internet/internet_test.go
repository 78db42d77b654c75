package internet

import (
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// start serves hosts, and returns a transport for clients of the proxy.
func start(t *testing.T, hosts map[string]http.Handler) (*Internet, *http.Transport) {
	t.Helper()
	n, err := New(hosts)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Serve(ctx, l) }()
	transport := n.Transport(l.Addr().String())
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return n, transport
}

func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, text, " ", r.Host) })
}

func TestEachHostIsServedByItsHandler(t *testing.T) {
	_, transport := start(t, map[string]http.Handler{"a.example": says("first"), "b.example": says("second")})
	client := &http.Client{Transport: transport}
	for host, want := range map[string]string{"a.example": "first a.example", "b.example": "second b.example"} {
		res, err := client.Get("https://" + host + "/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(body) != want {
			t.Errorf("%s says %q, %v; want %q", host, body, err, want)
		}
	}
}

func TestThereIsNothingElse(t *testing.T) {
	_, transport := start(t, map[string]http.Handler{"a.example": says("first")})
	client := &http.Client{Transport: transport}
	for _, url := range []string{"https://c.example/", "https://a.example:8443/"} {
		if _, err := client.Get(url); err == nil || !strings.Contains(err.Error(), "Bad Gateway") {
			t.Errorf("%s: %v, want Bad Gateway", url, err)
		}
	}
	res, err := client.Get("http://a.example/")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusBadGateway {
		t.Errorf("without TLS: %s", res.Status)
	}
}

func TestNobodyElseTrustsTheCA(t *testing.T) {
	n, transport := start(t, map[string]http.Handler{"a.example": says("first")})
	transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	client := &http.Client{Transport: transport}
	if _, err := client.Get("https://a.example/"); err == nil {
		t.Error("a client without the certificate was served")
	}
	if !x509.NewCertPool().AppendCertsFromPEM(n.CA()) {
		t.Error("the certificate is not in PEM")
	}
}

func TestAnImageThatWasPushedCanBeFetched(t *testing.T) {
	const full = "quay.io/cybozu/serf:0.9.7.1"
	_, transport := start(t, map[string]http.Handler{"quay.io": NewRegistry()})
	if err := PushImage(t.Context(), transport, full); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(full)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(ref, remote.WithContext(t.Context()), remote.WithTransport(transport))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img); err != nil {
		t.Error(err)
	}
	if err := PushImage(t.Context(), transport, "quay.io/Cybozu:"); err == nil {
		t.Error("an invalid image name was accepted")
	}
}
