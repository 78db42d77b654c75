// Command rogue is a server that impersonates the Vaults of a data centre, with its own
// CA that has the name of the real one. It responds to every request with the certificate
// of its CA, and prints all requests, until its standard input ends.
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
		Handler:           handler{ca.CertPEM()},
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

// leaf returns a certificate for boot server 0, signed by the CA of this program.
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
	certPEM, err := ca.Sign(request, p, subject, p.Validity, time.Now())
	if err != nil {
		return tls.Certificate{}, err
	}
	cert, err := pki.ParseCert(certPEM)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}, nil
}

// handler returns a handler that responds to each request with the CA certificate and
// prints the request.
type handler struct{ ca []byte }

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, err := httputil.DumpRequest(r, true)
	if err != nil {
		request = []byte(err.Error())
	}
	fmt.Printf("%s\n", bytes.TrimSpace(request))
	w.Header().Set("Content-Type", "application/pem-certificate-chain")
	w.Write(h.ca)
}
