package pki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"github.com/cybozu-go/neco/pkg/program"
	"testing"
)

// FuzzCheckRequest checks that CheckRequest accepts no request for more than the
// profile permits, even if the request is validly signed. It fuzzes the signed part.
func FuzzCheckRequest(f *testing.F) {
	key := must(ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32)))(f)
	for _, p := range Profiles() {
		block, _ := pem.Decode(must(p.Request(key, subject(2)))(f))
		f.Add(must(x509.ParseCertificateRequest(block.Bytes))(f).RawTBSCertificateRequest)
	}
	server, neco := purpose(f, Server), purpose(f, program.Neco)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, p := range []Profile{server, neco} {
			csr, err := p.CheckRequest(signed(t, data, key), subject(2))
			if err == nil && (csr.Subject.String() != "CN="+p.CommonName(subject(2)) || len(csr.IPAddresses) != len(p.IPs(subject(2))) ||
				len(csr.DNSNames) != len(p.DNSNames(subject(2))) || len(csr.Extensions) > 1) {
				t.Errorf("%s: accepted: %x", p.Name, data)
			}
			if err != nil && !errors.Is(err, ErrCSRRefused) {
				t.Errorf("error %v", err)
			}
		}
	})
}

// signed returns a request, in PEM, with the given content and a valid signature by
// key.
func signed(t *testing.T, content []byte, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	digest := sha256.Sum256(content)
	signature := must(ecdsa.SignASN1(rand.Reader, key, digest[:]))(t)
	der := must(asn1.Marshal(struct {
		Content   asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{
		asn1.RawValue{FullBytes: content},
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}},
		asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)},
	}))(t)
	return pem.EncodeToMemory(&pem.Block{Type: pemRequest, Bytes: der})
}

// FuzzPEM checks that data which is accepted as one block contains nothing else.
func FuzzPEM(f *testing.F) {
	f.Add([]byte("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		der, err := single(data, pemRequest)
		if err == nil && !bytes.Equal(bytes.TrimRight(data, "\n"), bytes.TrimRight(pem.EncodeToMemory(&pem.Block{Type: pemRequest, Bytes: der}), "\n")) {
			t.Errorf("%q is read as %x", data, der)
		}
	})
}

func FuzzParseKey(f *testing.F) {
	block, _ := pem.Decode(must(MarshalKey(newKey(f)))(f))
	f.Add(block.Bytes)
	f.Fuzz(func(t *testing.T, der []byte) {
		key, err := ParseKey(pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}))
		if err != nil {
			return
		}
		if again := must(ParseKey(must(MarshalKey(key))(t)))(t); !again.Equal(key) {
			t.Errorf("%x: another key when read again", der)
		}
	})
}

func FuzzParseCert(f *testing.F) {
	ca, key, p := newCA(f, ServerCA), newKey(f), purpose(f, Server)
	f.Add(ca.Cert().Raw)
	f.Add(issue(f, ca, p, key).Raw)
	f.Fuzz(func(t *testing.T, der []byte) {
		cert, err := ParseCert(MarshalCert(der))
		if err != nil {
			return
		}
		if !bytes.Equal(cert.Raw, der) {
			t.Errorf("%x is read as something else", der)
		}
		_ = Due(cert, now())
		if p.Check(cert, key.Public(), subject(2), x509.NewCertPool(), now()) == nil {
			t.Errorf("%x is accepted without an authority", der)
		}
	})
}
