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

// headerTimeout bounds how long a client may take to say what it wants.
const headerTimeout = 30 * time.Second

// front is what clients see: one address behind which all hosts are.
type front struct {
	hosts map[string]http.Handler
	cert  tls.Certificate
}

// listener is a listener, and whether TLS is spoken there.
type listener struct {
	net.Listener
	tls bool
}

// served lists the names that a certificate has to have. Flatcar has one host
// a channel, so all of them are in it.
func served(hosts map[string]http.Handler) []string {
	return append(slices.Sorted(maps.Keys(hosts)), "*."+flatcarDomain)
}

func (f front) listen(ctx context.Context, at []string) (all []listener, err error) {
	for _, a := range at {
		address, plain := strings.CutPrefix(a, "http://")
		_, port, _ := net.SplitHostPort(address) // Listen says what is wrong
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

// serve answers until ctx is done, and closes the listeners.
func (f front) serve(ctx context.Context, listeners []listener) error {
	quiet := log.New(io.Discard, "", 0) // clients are cut off in the middle of everything
	secure := &http.Server{
		Handler: http.HandlerFunc(f.answer), ReadHeaderTimeout: headerTimeout, ErrorLog: quiet,
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

// answer answers as the host that is asked for.
func (f front) answer(w http.ResponseWriter, r *http.Request) {
	h := f.hosts[hostname(r)]
	if h == nil {
		http.Error(w, "there is no such host in the virtual data centre's internet", http.StatusMisdirectedRequest)
		return
	}
	h.ServeHTTP(w, r)
}

// redirect sends those who come without TLS where there is TLS.
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
