// Command rogue is a server that takes the place of the Vaults of a data centre,
// with authorities of its own that have the right names. It answers whatever it
// is asked with its authority, and prints all that it hears, until its standard
// input ends.
//
//	rogue ADDRESS:PORT
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"os"
	"time"

	"github.com/cybozu-go/neco/pkg/pki"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: rogue ADDRESS:PORT")
	}
	ca, err := pki.NewCA(pki.ServerCA, time.Now())
	if err != nil {
		return err
	}
	cert, err := leaf(ca)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	s := &http.Server{
		Handler:           answer{ca.CertPEM()},
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: 10 * time.Second,
	}
	ended := make(chan error, 1)
	go func() { ended <- s.ServeTLS(l, "", "") }()
	io.Copy(io.Discard, os.Stdin)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		return err
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// leaf is what the rogue shows: the certificate of boot server 0, signed by its
// own authority.
func leaf(ca pki.CA) (tls.Certificate, error) {
	p, err := pki.Find(pki.Server)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := pki.NewKey()
	if err != nil {
		return tls.Certificate{}, err
	}
	subject := pki.NewSubject(0, "boot-0", netip.Addr{})
	request, err := p.Request(key, subject)
	if err != nil {
		return tls.Certificate{}, err
	}
	certPEM, err := ca.Sign(request, p, subject, p.Life, time.Now())
	if err != nil {
		return tls.Certificate{}, err
	}
	cert, err := pki.ParseCert(certPEM)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}, nil
}

// answer is the authority's certificate.
type answer struct{ ca []byte }

func (a answer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	heard, err := httputil.DumpRequest(r, true)
	if err != nil {
		heard = []byte(err.Error())
	}
	fmt.Printf("%s\n", bytes.TrimSpace(heard))
	w.Header().Set("Content-Type", "application/pem-certificate-chain")
	w.Write(a.ca)
}
