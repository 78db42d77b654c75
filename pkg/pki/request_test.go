package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"github.com/cybozu-go/neco/pkg/program"
	"net"
	"net/url"
	"testing"
)

func TestOwnRequestsAreAccepted(t *testing.T) {
	for _, p := range Profiles() {
		for lrn := range 3 {
			key := newKey(t)
			csr, err := p.CheckRequest(must(p.Request(key, subject(lrn)))(t), subject(lrn))
			if err != nil || !samePublicKey(csr.PublicKey, key.Public()) {
				t.Errorf("%s: %v", p.Name, err)
			}
		}
	}
}

func TestNobodyElsesRequestIsAccepted(t *testing.T) {
	for _, p := range Profiles() {
		for _, q := range Profiles() {
			csr := must(q.Request(newKey(t), subject(2)))(t)
			if _, err := p.CheckRequest(csr, subject(2)); (err == nil) != (p.Name == q.Name) {
				t.Errorf("request of %s taken for %s: %v", q.Name, p.Name, err)
			}
		}
		if _, err := p.CheckRequest(must(p.Request(newKey(t), subject(1)))(t), subject(2)); !errors.Is(err, ErrCSRRefused) {
			t.Errorf("%s of another server: %v", p.Name, err)
		}
	}
}

// good returns the template of a valid request.
func good(p Profile, s Subject) *x509.CertificateRequest {
	return &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: p.CommonName(s)}, DNSNames: p.DNSNames(s), IPAddresses: p.netIPs(s),
		SignatureAlgorithm: x509.ECDSAWithSHA256,
	}
}

func TestHostileRequestsAreRefused(t *testing.T) {
	isCA, err := asn1.Marshal(struct{ CA bool }{true})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*x509.CertificateRequest){
		"another name":            func(c *x509.CertificateRequest) { c.Subject.CommonName = "root" },
		"a name in another case":  func(c *x509.CertificateRequest) { c.Subject.CommonName = "NECO-2" },
		"an organisation":         func(c *x509.CertificateRequest) { c.Subject.Organization = []string{"system:masters"} },
		"two names":               func(c *x509.CertificateRequest) { c.Subject.ExtraNames = twoNames() },
		"no name":                 func(c *x509.CertificateRequest) { c.Subject = pkix.Name{} },
		"a DNS name":              func(c *x509.CertificateRequest) { c.DNSNames = append(c.DNSNames, "evil.example") },
		"an address":              func(c *x509.CertificateRequest) { c.IPAddresses = append(c.IPAddresses, net.IPv4(10, 69, 0, 3)) },
		"a mail address":          func(c *x509.CertificateRequest) { c.EmailAddresses = []string{"a@b"} },
		"a URI":                   func(c *x509.CertificateRequest) { c.URIs = []*url.URL{{Scheme: "spiffe", Host: "x"}} },
		"the flag of authorities": extension(2, 5, 29, 19)(isCA),
		"key usage":               extension(2, 5, 29, 15)([]byte{3, 2, 1, 6}),
		"an unknown extension":    extension(1, 2, 3, 4)([]byte{5, 0}),
		"another hash":            func(c *x509.CertificateRequest) { c.SignatureAlgorithm = x509.ECDSAWithSHA512 },
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range []Profile{purpose(t, program.Neco), purpose(t, Server)} {
				c := good(p, subject(2))
				change(c)
				csr := must(x509.CreateCertificateRequest(rand.Reader, c, newKey(t)))(t)
				refused(t, p, pem.EncodeToMemory(&pem.Block{Type: pemRequest, Bytes: csr}))
			}
		})
	}
}

func twoNames() []pkix.AttributeTypeAndValue {
	cn := asn1.ObjectIdentifier{2, 5, 4, 3}
	return []pkix.AttributeTypeAndValue{{Type: cn, Value: "root"}, {Type: cn, Value: "neco-2"}}
}

func extension(oid ...int) func([]byte) func(*x509.CertificateRequest) {
	return func(value []byte) func(*x509.CertificateRequest) {
		return func(c *x509.CertificateRequest) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: oid, Value: value})
		}
	}
}

func refused(t *testing.T, p Profile, csr []byte) {
	t.Helper()
	if _, err := p.CheckRequest(csr, subject(2)); !errors.Is(err, ErrCSRRefused) {
		t.Errorf("%s: error %v", p.Name, err)
	}
}

func TestOtherKeysAreRefused(t *testing.T) {
	p := purpose(t, program.Neco)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{
		"P-224":   must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader))(t),
		"P-384":   must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))(t),
		"RSA":     must(rsa.GenerateKey(rand.Reader, 2048))(t),
		"Ed25519": ed,
	} {
		t.Run(name, func(t *testing.T) {
			c := good(p, subject(2))
			c.SignatureAlgorithm = 0
			csr := must(x509.CreateCertificateRequest(rand.Reader, c, key))(t)
			refused(t, p, pem.EncodeToMemory(&pem.Block{Type: pemRequest, Bytes: csr}))
		})
	}
}

func TestDamagedRequestsAreRefused(t *testing.T) {
	p := purpose(t, Server)
	good := must(p.Request(newKey(t), subject(2)))(t)
	block, _ := pem.Decode(good)
	encode := func(b *pem.Block) []byte { return pem.EncodeToMemory(b) }
	other, _ := pem.Decode(must(p.Request(newKey(t), subject(2)))(t))
	stolen := bytes.Clone(block.Bytes)
	copy(stolen[len(stolen)-40:], other.Bytes[len(other.Bytes)-40:])
	for name, csr := range map[string][]byte{
		"nothing":              nil,
		"no PEM":               block.Bytes,
		"two":                  append(bytes.Clone(good), good...),
		"text before it":       append([]byte("x\n"), good...),
		"text behind it":       append(bytes.Clone(good), "x"...),
		"a header":             encode(&pem.Block{Type: pemRequest, Headers: map[string]string{"A": "b"}, Bytes: block.Bytes}),
		"a certificate's type": encode(&pem.Block{Type: pemCert, Bytes: block.Bytes}),
		"the old type":         encode(&pem.Block{Type: "NEW CERTIFICATE REQUEST", Bytes: block.Bytes}),
		"bytes behind it":      encode(&pem.Block{Type: pemRequest, Bytes: append(bytes.Clone(block.Bytes), 0)}),
		"half":                 encode(&pem.Block{Type: pemRequest, Bytes: block.Bytes[:len(block.Bytes)/2]}),
		"another's signature":  encode(&pem.Block{Type: pemRequest, Bytes: stolen}),
		"too much":             append(bytes.Clone(good), bytes.Repeat([]byte("\n"), maxPEM)...),
	} {
		t.Run(name, func(t *testing.T) { refused(t, p, csr) })
	}
	for i := range block.Bytes {
		changed := bytes.Clone(block.Bytes)
		changed[i] ^= 1
		refused(t, p, encode(&pem.Block{Type: pemRequest, Bytes: changed}))
	}
}
