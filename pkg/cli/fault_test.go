package cli_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"

	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/pkg/cli"
)

// testCA signs certificates for 127.0.0.1 that are valid for servers and clients.
type testCA struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newTestCA(t *testing.T) testCA {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := testCA{dir: t.TempDir(), key: key}
	ca.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true,
	}
	ca.write(t, "ca", ca.cert, key)
	return ca
}

// file returns the path of a certificate or key by its name: "ca.crt".
func (ca testCA) file(name string) string { return filepath.Join(ca.dir, name) }

// issue issues a certificate that expires at a time.
func (ca testCA) issue(t *testing.T, name string, end time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca.write(t, name, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "root"}, NotAfter: end, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, key)
}

func (ca testCA) write(t *testing.T, name string, template *x509.Certificate, key *ecdsa.PrivateKey) {
	t.Helper()
	cert, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{name + ".crt": {Type: "CERTIFICATE", Bytes: cert}, name + ".key": {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(ca.file(file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// tlsEtcd starts a member that requires client certificates of ca and uses the
// certificate of a name.
func tlsEtcd(t *testing.T, ca testCA, name string) *etcd.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cluster, err := etcd.Start(ctx, etcd.Options{Dir: t.TempDir(), Members: 1, NoFsync: true, TLS: transport.TLSInfo{
		CertFile: ca.file(name + ".crt"), KeyFile: ca.file(name + ".key"), TrustedCAFile: ca.file("ca.crt"), ClientCertAuth: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// tlsFiles returns the fields of config.yml for a client with the certificate of a
// name.
func tlsFiles(ca, trusted testCA, name string) string {
	return fmt.Sprintf("tls-ca-file: %s\ntls-cert-file: %s\ntls-key-file: %s\n", trusted.file("ca.crt"), ca.file(name+".crt"), ca.file(name+".key"))
}

// runWith runs a command of neco on a boot server with this config.yml.
func runWith(t *testing.T, config string, args ...string) (code int, out, errs string) {
	t.Helper()
	root := t.TempDir()
	path := filepath.Join(root, "etc/neco/config.yml")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	env := cli.System(testVersion)
	env.MemberTimeout *= 10 // the machine may be busy
	env.FS.Root = root
	var stdout, stderr bytes.Buffer
	code = cli.Run(context.Background(), env, args, strings.NewReader(""), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

const (
	certHint   = "Hint: neco cert list shows"
	configHint = "Hint: see endpoints in /etc/neco/config.yml"
	startHint  = "Hint: start etcd"
)

// TestACommandSaysWhyEtcdCannotBeReached uses a real etcd with and without TLS, and
// servers that are not etcd.
func TestACommandSaysWhyEtcdCannotBeReached(t *testing.T) {
	ca, other := newTestCA(t), newTestCA(t)
	ca.issue(t, "good", time.Now().Add(time.Hour))
	ca.issue(t, "expired", time.Now().Add(-time.Hour))
	other.issue(t, "good", time.Now().Add(time.Hour))
	secure, expired, plain := tlsEtcd(t, ca, "good").Endpoint(0), tlsEtcd(t, ca, "expired").Endpoint(0), startEtcd(t).Endpoint(0)
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.Protocols = new(http.Protocols)
	web.Config.Protocols.SetUnencryptedHTTP2(true)
	web.Start()
	t.Cleanup(web.Close)
	web1 := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web1.Close)
	webTLS := httptest.NewUnstartedServer(http.NotFoundHandler())
	webTLS.Config.ErrorLog = log.New(io.Discard, "", 0)
	webTLS.StartTLS()
	t.Cleanup(webTLS.Close)
	good := tlsFiles(ca, ca, "good")
	// No resolver is queried for etcd..invalid: it is not a domain name.
	for name, tt := range map[string]struct{ endpoint, tls, want, hint string }{
		"the CA of etcd is unknown":      {"https://" + secure, tlsFiles(ca, other, "good"), "x509: certificate signed by unknown authority", certHint},
		"etcd's certificate has expired": {"https://" + expired, good, "x509: certificate has expired or is not yet valid", certHint},
		"our certificate has expired":    {"https://" + secure, tlsFiles(ca, ca, "expired"), "refuses the certificate of this server: expired certificate", certHint},
		"our certificate is of another":  {"https://" + secure, tlsFiles(other, ca, "good"), "refuses the certificate of this server: ", certHint},
		"we have no certificate":         {"https://" + secure, "tls-ca-file: " + ca.file("ca.crt"), "refuses the certificate of this server: ", certHint},
		"https to an etcd without TLS":   {"https://" + plain, good, "does not speak TLS", configHint},
		"http to an etcd with TLS":       {"http://" + secure, "", "", configHint},
		"a host that does not exist":     {"http://etcd..invalid:2379", "", "no such host", configHint},
		"a port that is closed":          {"http://127.0.0.1:1", "", "connection refused", startHint},
		"a web server of HTTP/2":         {web.URL, "", " is not etcd", configHint},
		"a web server of HTTP/1.1":       {web1.URL, "", " is not etcd", configHint},
		"a web server with TLS":          {webTLS.URL, good, " is not etcd", configHint},
	} {
		for _, command := range []string{"status", "status --wait --timeout 1s"} {
			t.Run(name+": "+command, func(t *testing.T) {
				t.Parallel()
				began := time.Now()
				code, _, errs := runWith(t, "endpoints: ["+tt.endpoint+"]\n"+tt.tls, strings.Fields(command)...)
				t.Logf("after %s: %s", time.Since(began).Round(time.Millisecond), errs)
				if code != 1 || !strings.Contains(errs, tt.endpoint) || !strings.Contains(errs, tt.want) || !strings.Contains(errs, tt.hint) {
					t.Errorf("exit code %d, want %q and %q", code, tt.want, tt.hint)
				}
				if strings.Contains(errs, "rpc error") || strings.Contains(errs, "desc =") || strings.Contains(errs, "transport:") || strings.Contains(errs, "answers (") != (tt.hint == startHint) {
					t.Error("it is told in terms of gRPC, or as a majority that is lost")
				}
			})
		}
	}
}

// TestACommandSaysWhatIsWrongWithItsConfiguration also checks that the error has the
// names of the fields in the file.
func TestACommandSaysWhatIsWrongWithItsConfiguration(t *testing.T) {
	ca := newTestCA(t)
	ca.issue(t, "good", time.Now().Add(time.Hour))
	const secure = "endpoints: [\"https://127.0.0.1:1\"]\n"
	files := func(name, key string) string {
		return secure + fmt.Sprintf("tls-ca-file: %s\ntls-cert-file: %s\ntls-key-file: %s\n", ca.file("ca.crt"), ca.file(name), ca.file(key))
	}
	const correct, replace = "Hint: correct the file; compare it with /etc/neco/config.yml of another boot server", "Hint: /etc/neco/config.yml names the files; neco cert list"
	for name, tt := range map[string]struct{ config, want, hint string }{
		"a string for a list":      {"endpoints: http://127.0.0.1:1", "config.yml: endpoints: it is a string, and has to be a list", correct},
		"a bare word":              {"neco", "config.yml: it is a string; it has to be a mapping", correct},
		"no certificate":           {files("gone", "good.key"), "tls-cert-file: open " + ca.file("gone"), replace},
		"no key":                   {files("good.crt", "gone"), "tls-key-file: open " + ca.file("gone"), replace},
		"another key":              {files("good.crt", "ca.key"), "private key does not match public key", replace},
		"no CA":                    {secure + "tls-ca-file: /gone", "tls-ca-file: open /gone", replace},
		"a password and no member": {"endpoints: [\"http://127.0.0.1:1\"]\nusername: neco\npassword: hunter2\n", "http://127.0.0.1:1: connection refused", startHint},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, errs := runWith(t, tt.config, "status")
			if code != 1 || !strings.Contains(errs, tt.want) || !strings.Contains(errs, tt.hint) || strings.Contains(errs, "Go ") || strings.Contains(errs, "hunter2") {
				t.Errorf("exit code %d, it says %s", code, errs)
			}
		})
	}
}
