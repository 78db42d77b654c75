package meet

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// alpn is the name of the protocol version in TLS, and alpnBefore the name of the
// previous version. The leader also accepts alpnBefore, but only to send a refusal that
// clients of that version can read.
const (
	alpn       = "neco-setup/2"
	alpnBefore = "neco-setup/1"
)

// leaderTLS returns the TLS configuration of the leader. The leader's certificate is
// new and authenticates nothing; the leader's proof of the setup token does.
func leaderTLS() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	cert, err := selfSigned(key)
	if err != nil {
		return nil, err
	}
	conf := commonTLS(cert, alpn, alpnBefore)
	conf.ClientAuth = tls.RequireAnyClientCert
	return conf, nil
}

// memberTLS returns the TLS configuration of a member with the key key. The member's
// certificate shows the leader that the client has this key.
func memberTLS(key *ecdsa.PrivateKey) (*tls.Config, error) {
	cert, err := selfSigned(key)
	if err != nil {
		return nil, err
	}
	conf := commonTLS(cert, alpn)
	// There is no CA yet that could sign the leader's certificate. The proof
	// authenticates the leader instead.
	conf.InsecureSkipVerify = true
	return conf, nil
}

func commonTLS(cert tls.Certificate, protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{cert},
		NextProtos:             protocols,
		SessionTicketsDisabled: true,
		VerifyConnection:       checkSession,
	}
}

// checkSession returns an error for a TLS session that is resumed, is not of TLS 1.3,
// or has not agreed on a protocol version. The other side must have sent exactly one
// certificate, with a suitable key. Both sides call it at the end of the handshake.
func checkSession(s tls.ConnectionState) error {
	switch {
	case s.Version != tls.VersionTLS13 || s.DidResume:
		return errors.New("not a new session of TLS 1.3")
	case s.NegotiatedProtocol == "":
		return fmt.Errorf("the other side does not support %s", alpn)
	case len(s.PeerCertificates) != 1:
		return errors.New("not one certificate")
	}
	_, err := sessionKey(s)
	return err
}

// sessionKey returns the public key in the certificate of the other side (PKIX, DER).
func sessionKey(s tls.ConnectionState) ([]byte, error) {
	key, ok := s.PeerCertificates[0].PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("the other side's key is not ECDSA on P-256")
	}
	return x509.MarshalPKIXPublicKey(key)
}

// selfSigned returns a certificate for key, signed with key. Its names and dates are
// never checked.
func selfSigned(key *ecdsa.PrivateKey) (tls.Certificate, error) {
	if key == nil {
		return tls.Certificate{}, errors.New("no key")
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Unix(0, 0),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
