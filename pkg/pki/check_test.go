package pki

import (
	"crypto/rand"
	"crypto/x509"
	"net"
	"testing"
	"time"
)

func TestOwnCertificatesAreAccepted(t *testing.T) {
	for _, p := range Profiles() {
		ca, key := newCA(t, p.Authority), newKey(t)
		cert := issue(t, ca, p, key)
		if err := p.Check(cert, key.Public(), subject(2), roots(ca), now()); err != nil {
			t.Error(err)
		}
		for name, err := range map[string]error{
			"for another key":        p.Check(cert, newKey(t).Public(), subject(2), roots(ca), now()),
			"for another server":     p.Check(cert, key.Public(), subject(1), roots(ca), now()),
			"by another authority":   p.Check(cert, key.Public(), subject(2), roots(newCA(t, p.Authority)), now()),
			"after its end":          p.Check(cert, key.Public(), subject(2), roots(ca), cert.NotAfter.Add(time.Second)),
			"long before it is made": p.Check(cert, key.Public(), subject(2), roots(ca), now().Add(-BackDate-time.Second)),
		} {
			if err == nil {
				t.Errorf("%s %s: accepted", p.Name, name)
			}
		}
	}
}

func TestCertificatesThatWereNotAskedForAreRefused(t *testing.T) {
	for name, change := range map[string]func(*x509.Certificate){
		"another name":        func(c *x509.Certificate) { c.Subject.CommonName = "root" },
		"an organisation":     func(c *x509.Certificate) { c.Subject.Organization = []string{"x"} },
		"a DNS name more":     func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "dc1-boot-2") },
		"no DNS name":         func(c *x509.Certificate) { c.DNSNames = nil },
		"an address more":     func(c *x509.Certificate) { c.IPAddresses = append(c.IPAddresses, net.IPv4(10, 69, 0, 3)) },
		"an address less":     func(c *x509.Certificate) { c.IPAddresses = c.IPAddresses[1:] },
		"a mail address":      func(c *x509.Certificate) { c.EmailAddresses = []string{"a@b"} },
		"an authority's flag": func(c *x509.Certificate) { c.IsCA = true },
		"an authority's use":  func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCertSign },
		"no key usage":        func(c *x509.Certificate) { c.KeyUsage = 0 },
		"also for clients":    func(c *x509.Certificate) { c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth) },
		"for everything":      func(c *x509.Certificate) { c.ExtKeyUsage = nil },
		"for signing code":    func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning} },
		"a longer life":       func(c *x509.Certificate) { c.NotAfter = now().Add(ServerValidity + 2*validitySlack) },
	} {
		t.Run(name, func(t *testing.T) {
			p, ca, key := purpose(t, Server), newCA(t, ServerCA), newKey(t)
			template := issue(t, ca, p, key)
			template.RawSubject, template.ExtraExtensions = nil, nil
			change(template)
			der := must(x509.CreateCertificate(rand.Reader, template, ca.Cert(), key.Public(), ca.key))(t)
			cert := must(x509.ParseCertificate(der))(t)
			if err := p.Check(cert, key.Public(), subject(2), roots(ca), now()); err == nil {
				t.Error("accepted")
			}
		})
	}
}
