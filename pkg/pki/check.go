package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// validitySlack is by how much the validity of a certificate may exceed the validity in
// its profile, because the clock of the CA may differ.
const validitySlack = 5 * time.Minute

// Check returns an error unless cert is a certificate with the profile p for the server
// s and the key pub. cert must be valid at the time now, signed by a CA in roots, and
// have no other names and uses than p permits.
func (p Profile) Check(cert *x509.Certificate, pub crypto.PublicKey, s Subject, roots *x509.CertPool, now time.Time) error {
	if err := p.check(cert, pub, s, roots, now); err != nil {
		return fmt.Errorf("certificate %s of boot server %d: %w", p.Name, s.LRN, err)
	}
	return nil
}

func (p Profile) check(cert *x509.Certificate, pub crypto.PublicKey, s Subject, roots *x509.CertPool, now time.Time) error {
	if !samePublicKey(cert.PublicKey, pub) {
		return errors.New("it is for another key")
	}
	if err := p.checkNames(cert, s); err != nil {
		return err
	}
	if err := p.checkUse(cert); err != nil {
		return err
	}
	if validity := cert.NotAfter.Sub(cert.NotBefore); validity > p.Validity+BackDate+validitySlack {
		return fmt.Errorf("it is valid for %s, longer than %s", validity, p.Validity)
	}
	_, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err
}

func (p Profile) checkNames(cert *x509.Certificate, s Subject) error {
	var ips []netip.Addr
	for _, ip := range cert.IPAddresses {
		addr, _ := netip.AddrFromSlice(ip)
		ips = append(ips, addr.Unmap())
	}
	switch cn := p.CommonName(s); {
	case len(cert.Subject.Names) != 1 || cert.Subject.CommonName != cn:
		return fmt.Errorf("its subject is %.80q, not CN=%s", cert.Subject, cn)
	case !sameSet(cert.DNSNames, p.DNSNames(s)), !sameAddrs(ips, p.IPs(s)):
		return fmt.Errorf("it is for %.80q %.80v, not for %v %v", cert.DNSNames, ips, p.DNSNames(s), p.IPs(s))
	case len(cert.EmailAddresses) != 0 || len(cert.URIs) != 0:
		return errors.New("it has other names")
	}
	return nil
}

func (p Profile) checkUse(cert *x509.Certificate) error {
	switch {
	case cert.IsCA || cert.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) != 0:
		return errors.New("it is the certificate of a CA")
	case cert.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return errors.New("it is not for signatures")
	case len(cert.UnknownExtKeyUsage) != 0 || !sameSet(cert.ExtKeyUsage, p.extKeyUsage()):
		return errors.New("its extended key usage is not that of its profile")
	}
	return nil
}

func (p Profile) extKeyUsage() []x509.ExtKeyUsage {
	var use []x509.ExtKeyUsage
	if p.Server {
		use = append(use, x509.ExtKeyUsageServerAuth)
	}
	if p.Client {
		use = append(use, x509.ExtKeyUsageClientAuth)
	}
	return use
}

func samePublicKey(a, b crypto.PublicKey) bool {
	key, ok := a.(*ecdsa.PublicKey)
	return ok && key.Equal(b)
}

func sameAddrs(a, b []netip.Addr) bool {
	x, y := slices.Clone(a), slices.Clone(b)
	slices.SortFunc(x, netip.Addr.Compare)
	slices.SortFunc(y, netip.Addr.Compare)
	return slices.Equal(x, y)
}

func sameSet[T interface{ ~int | ~string }](a, b []T) bool {
	x, y := slices.Clone(a), slices.Clone(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// Due reports whether cert is due for renewal at the time now.
func Due(cert *x509.Certificate, now time.Time) bool { return !now.Before(DueAt(cert)) }

// DueAt returns the time from which cert is due for renewal: after two thirds of its
// validity.
func DueAt(cert *x509.Certificate) time.Time {
	made := MadeAt(cert)
	return made.Add(cert.NotAfter.Sub(made) * 2 / 3)
}

// MadeAt returns the time at which cert was issued. That is BackDate after its
// NotBefore, because CAs back-date certificates. If the validity of the certificate is
// not longer than BackDate, it is NotBefore.
func MadeAt(cert *x509.Certificate) time.Time {
	if made := cert.NotBefore.Add(BackDate); made.Before(cert.NotAfter) {
		return made
	}
	return cert.NotBefore
}
