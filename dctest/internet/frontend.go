package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// headerTimeout is how long a server waits for the header of a request before it closes
// the connection.
const headerTimeout = 30 * time.Second

// frontend serves all hosts on the same listeners.
type frontend struct {
	hosts  map[string]http.Handler
	cert   tls.Certificate
	served *servedLog
}

// listener accepts HTTPS connections if tls is true, and HTTP connections otherwise.
type listener struct {
	net.Listener
	tls bool
}

// certNames returns the names for the server certificate: all hosts, and the domain of
// Flatcar's hosts.
func certNames(hosts map[string]http.Handler) []string {
	return append(slices.Sorted(maps.Keys(hosts)), "*."+flatcarDomain)
}

func (f frontend) listen(ctx context.Context, at []string) (all []listener, err error) {
	for _, a := range at {
		address, plain := strings.CutPrefix(a, "http://")
		_, port, _ := net.SplitHostPort(address) // Listen returns the error
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err != nil {
			closeAll(all)
			return nil, fmt.Errorf("listen on %s: %w", a, err)
		}
		all = append(all, listener{l, !plain && port != "80"})
	}
	return all, nil
}

func closeAll(listeners []listener) {
	for _, l := range listeners {
		l.Close()
	}
}

func addresses(listeners []listener) (all []string) {
	for _, l := range listeners {
		all = append(all, l.Addr().String())
	}
	return all
}

// serve serves requests until ctx ends, and then closes the listeners.
func (f frontend) serve(ctx context.Context, listeners []listener) error {
	quiet := log.New(io.Discard, "", 0) // tests cut off clients at any time
	secure := &http.Server{
		Handler: f.served.around(http.HandlerFunc(f.answer)), ReadHeaderTimeout: headerTimeout, ErrorLog: quiet,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{f.cert}, MinVersion: tls.VersionTLS12},
	}
	plain := &http.Server{Handler: http.HandlerFunc(redirect), ReadHeaderTimeout: headerTimeout, ErrorLog: quiet}
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range listeners {
		g.Go(func() error {
			if l.tls {
				return ended(secure.ServeTLS(l, "", ""))
			}
			return ended(plain.Serve(l))
		})
	}
	g.Go(func() error {
		<-ctx.Done()
		return errors.Join(secure.Close(), plain.Close())
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

// answer passes a request to the handler of the host that the request names.
func (f frontend) answer(w http.ResponseWriter, r *http.Request) {
	h := f.hosts[hostname(r)]
	if h == nil {
		http.Error(w, "there is no such host in the simulated internet", http.StatusMisdirectedRequest)
		return
	}
	h.ServeHTTP(w, r)
}

// redirect redirects an HTTP request to the same URL with HTTPS.
func redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "https://"+hostname(r)+r.URL.RequestURI(), http.StatusMovedPermanently)
}

func hostname(r *http.Request) string {
	name, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		name = r.Host
	}
	return strings.ToLower(name)
}
