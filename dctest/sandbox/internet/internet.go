package internet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/sync/errgroup"
)

// headerTimeout is how long the proxy, or the server behind it, waits for the header of a
// request before it closes the connection.
const headerTimeout = 30 * time.Second

// Internet is an HTTP proxy with the hosts that can be reached through it.
type Internet struct {
	ca    *rootCA
	certs map[string]*tls.Certificate
	hosts map[string]http.Handler
	// inside passes the connections that clients have opened through the proxy to the
	// server of the hosts.
	inside *connQueue
}

// New returns an Internet that serves each host name of hosts by its handler, on port
// 443.
func New(hosts map[string]http.Handler) (*Internet, error) {
	ca, err := newRootCA()
	if err != nil {
		return nil, fmt.Errorf("create a CA: %w", err)
	}
	n := &Internet{ca: ca, certs: map[string]*tls.Certificate{}, hosts: hosts, inside: newConnQueue()}
	for name := range hosts {
		if n.certs[name], err = ca.issue(name); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// CA returns the CA certificate for clients, in PEM.
func (n *Internet) CA() []byte { return n.ca.pem() }

// Transport returns a transport that trusts the CA and uses the proxy at the address
// proxy, given as host:port.
func (n *Internet) Transport(proxy string) *http.Transport {
	roots := x509.NewCertPool()
	roots.AddCert(n.ca.cert)
	return &http.Transport{
		Proxy:           http.ProxyURL(&url.URL{Scheme: "http", Host: proxy}),
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
}

// Serve serves the proxy on l until ctx is done.
func (n *Internet) Serve(ctx context.Context, l net.Listener) error {
	quiet := log.New(io.Discard, "", 0) // clients are killed at any time
	outer := &http.Server{Handler: http.HandlerFunc(n.proxy), ReadHeaderTimeout: headerTimeout, ErrorLog: quiet}
	inner := &http.Server{
		Handler: http.HandlerFunc(n.serve), ReadHeaderTimeout: headerTimeout, ErrorLog: quiet,
		TLSConfig: &tls.Config{GetCertificate: n.certificate, MinVersion: tls.VersionTLS12},
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return ended(outer.Serve(l)) })
	g.Go(func() error { return ended(inner.ServeTLS(n.inside, "", "")) })
	g.Go(func() error {
		<-ctx.Done()
		return errors.Join(outer.Close(), inner.Close())
	})
	if err := g.Wait(); err != nil {
		return fmt.Errorf("serve the internet: %w", err)
	}
	return nil
}

func ended(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// proxy handles CONNECT requests to the hosts, and refuses all other requests.
func (n *Internet) proxy(w http.ResponseWriter, r *http.Request) {
	name, port, err := net.SplitHostPort(r.Host)
	if r.Method != http.MethodConnect || err != nil || port != "443" || n.hosts[name] == nil {
		http.Error(w, fmt.Sprintf("%s %s: there is no such host in the sandbox", r.Method, r.Host), http.StatusBadGateway)
		return
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		conn.Close()
		return
	}
	n.inside.put(bufferedConn{conn, rw.Reader})
}

// bufferedConn is a connection whose first bytes were already read into a buffer.
type bufferedConn struct {
	net.Conn
	r io.Reader
}

func (e bufferedConn) Read(p []byte) (int, error) { return e.r.Read(p) }

// serve passes a request on to the handler of the host that the request names.
func (n *Internet) serve(w http.ResponseWriter, r *http.Request) {
	h := n.hosts[r.TLS.ServerName]
	if h == nil {
		http.Error(w, "there is no such host in the sandbox", http.StatusMisdirectedRequest)
		return
	}
	h.ServeHTTP(w, r)
}

func (n *Internet) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	cert := n.certs[hello.ServerName]
	if cert == nil {
		return nil, fmt.Errorf("there is no host %q in the sandbox", hello.ServerName)
	}
	return cert, nil
}
