package pki

import (
	"crypto/ecdsa"
	"crypto/x509"
	"net/netip"
	"testing"
	"time"
)

// now returns the time of the tests.
func now() time.Time { return time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC) }

func subject(lrn int) Subject {
	return NewSubject(lrn, "dc1-boot-"+string(rune('0'+lrn)), netip.AddrFrom4([4]byte{10, 72, 48, byte(lrn)}))
}

func purpose(t testing.TB, name string) Profile {
	t.Helper()
	p, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	return must(NewKey())(t)
}

func newCA(t testing.TB, a Authority) CA {
	t.Helper()
	return must(NewCA(a, now()))(t)
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// issue issues a valid certificate.
func issue(t testing.TB, ca CA, p Profile, key *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	csr := must(p.Request(key, subject(2)))(t)
	return must(ParseCert(must(ca.Sign(csr, p, subject(2), p.Validity, now()))(t)))(t)
}

func roots(ca CA) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.Cert())
	return pool
}
