package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/program"
	"github.com/google/go-cmp/cmp"
)

// TestWhatCertificatesSay compares the profiles with a table, which is the contract: it
// has file, CA, names, uses, owner and validity of each certificate of boot server 2.
func TestWhatCertificatesSay(t *testing.T) {
	const years2, days90 = "17520h0m0s", "2160h0m0s"
	want := map[string]string{
		Server:             "/etc/neco/server.crt ca/server boot-server CN=dc1-boot-2 [localhost] [127.0.0.1 10.69.1.131 10.72.48.2] server 10000 " + years2,
		EtcdPeer:           "/etc/etcd/peer.crt ca/boot-etcd-peer boot-etcd-peer CN=dc1-boot-2 [] [10.69.1.131 10.72.48.2] server+client 10000 " + years2,
		program.Vault:      "/etc/vault/etcd.crt ca/boot-etcd-client boot-vault CN=vault-2 [] [] client 10000 " + days90,
		program.Neco:       "/etc/neco/etcd.crt ca/boot-etcd-client boot-neco CN=neco-2 [] [] client 0 " + days90,
		program.Backup:     "/etc/etcd/backup.crt ca/boot-etcd-client boot-backup CN=backup-2 [] [] client 0 " + days90,
		program.Sabakan:    "/etc/sabakan/etcd.crt ca/boot-etcd-client boot-sabakan CN=sabakan-2 [] [] client 0 " + days90,
		program.CKE:        "/etc/cke/etcd.crt ca/boot-etcd-client boot-cke CN=cke-2 [] [] client 0 " + days90,
		program.Etcdpasswd: "/etc/etcdpasswd/etcd.crt ca/boot-etcd-client boot-etcdpasswd CN=etcdpasswd-2 [] [] client 0 " + days90,
	}
	got := map[string]string{}
	for _, p := range Profiles() {
		cert := issue(t, newCA(t, p.Authority), p, newKey(t))
		var uses []string
		for _, u := range cert.ExtKeyUsage {
			uses = append(uses, map[x509.ExtKeyUsage]string{x509.ExtKeyUsageServerAuth: "server", x509.ExtKeyUsageClientAuth: "client"}[u])
		}
		got[p.Name] = fmt.Sprint(p.Cert, " ", p.Authority, " ", p.Role, " ", cert.Subject, " ", cert.DNSNames, " ", cert.IPAddresses, " ",
			strings.Join(uses, "+"), " ", p.Owner, " ", cert.NotAfter.Sub(cert.NotBefore)-BackDate)
		if p.Key != strings.TrimSuffix(p.Cert, "crt")+"key" {
			t.Errorf("%s: key %s beside %s", p.Name, p.Key, p.Cert)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAuthorities(t *testing.T) {
	want := map[Authority]string{
		"ca/server":           "server CA, /usr/local/share/ca-certificates/neco.crt",
		"ca/boot-etcd-peer":   "boot etcd peer CA, /etc/etcd/ca-peer.crt",
		"ca/boot-etcd-client": "boot etcd client CA, /etc/etcd/ca-client.crt",
	}
	got := map[Authority]string{}
	for _, a := range Authorities() {
		got[a] = a.CommonName() + ", " + a.File()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestASubjectHasANameAndAnAddress(t *testing.T) {
	for name, change := range map[string]func(*Subject){
		"no host name":         func(s *Subject) { s.HostName = "" },
		"a space in it":        func(s *Subject) { s.HostName = "boot 0" },
		"a wildcard":           func(s *Subject) { s.HostName = "*.example" },
		"upper case":           func(s *Subject) { s.HostName = "Boot-0" },
		"65 characters":        func(s *Subject) { s.HostName = strings.Repeat("a", 65) },
		"a line break":         func(s *Subject) { s.HostName = "boot\n" },
		"a negative LRN":       func(s *Subject) { s.LRN = -1 },
		"a rack too many":      func(s *Subject) { s.LRN = 341 },
		"no node0":             func(s *Subject) { s.Node0 = netip.Addr{} },
		"a bastion of IPv6":    func(s *Subject) { s.Bastion = netip.MustParseAddr("2001:db8::1") },
		"an IPv4 in IPv6 form": func(s *Subject) { s.Node0 = netip.MustParseAddr("::ffff:10.0.0.1") },
	} {
		t.Run(name, func(t *testing.T) {
			s := subject(2)
			change(&s)
			if err := s.Check(); err == nil {
				t.Error("no error")
			}
			if _, err := purpose(t, Server).Request(newKey(t), s); err == nil {
				t.Error("requested")
			}
		})
	}
	s := subject(2)
	s.Bastion = netip.Addr{}
	if got := purpose(t, EtcdPeer).IPs(s); len(got) != 1 {
		t.Errorf("without a bastion: %v", got)
	}
}

func TestFindNamesWhatItDoesNotKnow(t *testing.T) {
	if _, err := Find("nobody"); err == nil || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("error %v", err)
	}
}

func TestDue(t *testing.T) {
	day := 24 * time.Hour
	tests := []struct {
		name      string
		life, age time.Duration
		want      bool
	}{
		{"new", 90 * day, 0, false},
		{"just before two thirds", 90 * day, 60*day - time.Second, false},
		{"at two thirds", 90 * day, 60 * day, true},
		{"expired", 90 * day, 91 * day, true},
		{"a leaf of one minute, new", time.Minute, time.Second, false},
		{"a leaf of one minute, at two thirds", time.Minute, 40 * time.Second, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cert := &x509.Certificate{NotBefore: now().Add(-BackDate), NotAfter: now().Add(test.life)}
			if got := Due(cert, now().Add(test.age)); got != test.want {
				t.Errorf("due: %v", got)
			}
		})
	}
	short := &x509.Certificate{NotBefore: now(), NotAfter: now().Add(time.Minute)}
	if Due(short, now().Add(39*time.Second)) || !Due(short, now().Add(40*time.Second)) {
		t.Error("one that was not back-dated: not due at two thirds")
	}
}

func TestCA(t *testing.T) {
	for _, a := range Authorities() {
		ca := newCA(t, a)
		cert := ca.Cert()
		if life := cert.NotAfter.Sub(now()); life.String() != "876000h0m0s" {
			t.Errorf("%s lives %s", a, life)
		}
		if cert.Subject.String() != "CN="+a.CommonName() || !cert.IsCA || cert.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign {
			t.Errorf("%s: %s, CA %v, usage %b", a, cert.Subject, cert.IsCA, cert.KeyUsage)
		}
		again := must(ParseCA(a, ca.CertPEM(), must(ca.KeyPEM())(t)))(t)
		if !again.Cert().Equal(cert) || !again.key.Equal(ca.key) {
			t.Errorf("%s is read back as another", a)
		}
		secret := new(big.Int).SetBytes(must(ca.key.Bytes())(t)).String()
		if text := fmt.Sprintf("%v %+v %#v", ca, &ca, []CA{ca}); strings.Contains(text, secret[:20]) {
			t.Errorf("printed: %s", text)
		}
	}
	a, b := newCA(t, ServerCA), newCA(t, ServerCA)
	if _, err := ParseCA(PeerCA, a.CertPEM(), must(a.KeyPEM())(t)); err == nil {
		t.Error("another authority's certificate is taken")
	}
	if _, err := ParseCA(ServerCA, a.CertPEM(), must(b.KeyPEM())(t)); err == nil {
		t.Error("another key is taken")
	}
	if _, err := NewCA("ca/other", now()); err == nil {
		t.Error("an authority that is none is made")
	}
}

func TestSignRefuses(t *testing.T) {
	p, ca := purpose(t, program.Neco), newCA(t, ClientCA)
	csr := must(p.Request(newKey(t), subject(2)))(t)
	for name, sign := range map[string]func() ([]byte, error){
		"another purpose's request": func() ([]byte, error) { return ca.Sign(csr, purpose(t, program.Backup), subject(2), p.Validity, now()) },
		"another server's request":  func() ([]byte, error) { return ca.Sign(csr, p, subject(1), p.Validity, now()) },
		"another authority":         func() ([]byte, error) { return newCA(t, ServerCA).Sign(csr, p, subject(2), p.Validity, now()) },
		"a longer life":             func() ([]byte, error) { return ca.Sign(csr, p, subject(2), p.Validity+time.Second, now()) },
		"no life":                   func() ([]byte, error) { return ca.Sign(csr, p, subject(2), 0, now()) },
		"an expired authority":      func() ([]byte, error) { return ca.Sign(csr, p, subject(2), p.Validity, ca.Cert().NotAfter) },
	} {
		t.Run(name, func(t *testing.T) {
			if cert, err := sign(); err == nil {
				t.Errorf("signed: %s", cert)
			}
		})
	}
	last := ca.Cert().NotAfter
	cert := must(ParseCert(must(ca.Sign(csr, p, subject(2), p.Validity, last.Add(-time.Hour)))(t)))(t)
	if cert.NotAfter.After(last) {
		t.Errorf("lives until %s, its authority until %s", cert.NotAfter, last)
	}
	if _, err := ca.Sign([]byte("x"), p, subject(2), p.Validity, now()); !errors.Is(err, ErrCSRRefused) {
		t.Errorf("garbage: %v", err)
	}
}
