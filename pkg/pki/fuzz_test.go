package pki

import (
	"bytes"
	"crypto/x509"
	"errors"
	"testing"
)

// FuzzCheckRequest: nothing that is accepted asks for more than it should.
func FuzzCheckRequest(f *testing.F) {
	for _, p := range Purposes() {
		f.Add(must(p.Request(newKey(f), subject(2)))(f))
	}
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range []Purpose{purpose(t, Server), purpose(t, Neco)} {
			csr, err := p.CheckRequest(data, subject(2))
			if err == nil && (csr.Subject.String() != "CN="+p.CommonName(subject(2)) || len(csr.IPAddresses) != len(p.IPs(subject(2)))) {
				t.Errorf("%s: accepted: %q", p.Name, data)
			}
			if err != nil && !errors.Is(err, ErrCSRRefused) {
				t.Errorf("error %v", err)
			}
		}
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add(must(MarshalKey(newKey(f)))(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		if key, err := ParseKey(data); err == nil {
			again := must(ParseKey(must(MarshalKey(key))(t)))(t)
			if !again.Equal(key) {
				t.Errorf("%q: another key when read again", data)
			}
		}
	})
}

func FuzzParseCert(f *testing.F) {
	ca := newCA(f, ServerCA)
	f.Add(ca.CertPEM())
	key := newKey(f)
	f.Add(MarshalCert(issue(f, ca, purpose(f, Server), key).Raw))
	f.Fuzz(func(t *testing.T, data []byte) {
		cert, err := ParseCert(data)
		if err != nil {
			return
		}
		if !bytes.Equal(bytes.TrimRight(data, "\n"), bytes.TrimRight(MarshalCert(cert.Raw), "\n")) {
			t.Errorf("%q is read as something else", data)
		}
		pool := x509.NewCertPool()
		_ = purpose(t, Server).Check(cert, key.Public(), subject(2), pool, now())
	})
}
