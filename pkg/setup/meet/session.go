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

// alpn keeps the channel from being taken for another protocol.  A leader also
// accepts alpnBefore, to refuse its client in words that this client prints.
const (
	alpn       = "neco-setup/2"
	alpnBefore = "neco-setup/1"
)

// leaderTLS: the certificate means nothing, it is made for this listener.
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

// memberTLS: the certificate shows that the caller has the key.
func memberTLS(key *ecdsa.PrivateKey) (*tls.Config, error) {
	cert, err := selfSigned(key)
	if err != nil {
		return nil, err
	}
	conf := commonTLS(cert, alpn)
	// Nobody vouches for the leader's certificate yet; the proof does, for the
	// session.
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

// checkSession is called on both sides, before anything else is read.
func checkSession(s tls.ConnectionState) error {
	switch {
	case s.Version != tls.VersionTLS13 || s.DidResume:
		return errors.New("not a new session of TLS 1.3")
	case s.NegotiatedProtocol == "":
		return fmt.Errorf("the other side does not speak %s", alpn)
	case len(s.PeerCertificates) != 1:
		return errors.New("not one certificate")
	}
	_, err := sessionKey(s)
	return err
}

// sessionKey is the other side's public key: PKIX, DER.
func sessionKey(s tls.ConnectionState) ([]byte, error) {
	key, ok := s.PeerCertificates[0].PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("the other side's key is not ECDSA on P-256")
	}
	return x509.MarshalPKIXPublicKey(key)
}

// selfSigned is a certificate that carries a key and says nothing: nobody
// looks at its names and dates.
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
