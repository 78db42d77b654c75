// Registry serves container images from archives:
//
//	registry -listen ADDRESS [-cert FILE -key FILE] ARCHIVE...
//
// Each archive has the format of docker load. Its images are served under their names in
// it, for any host. With a certificate the registry uses TLS.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:5000", "address to listen at")
	flag.StringVar(&o.cert, "cert", "", "certificate")
	flag.StringVar(&o.key, "key", "", "key of the certificate")
	flag.Parse()
	o.archives = flag.Args()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "registry:", err)
		stop()
		os.Exit(1)
	}
}

type options struct {
	listen, cert, key string
	archives          []string
}

func run(ctx context.Context, o options) error {
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	for _, a := range o.archives {
		names, err := load(ctx, handler, a)
		if err != nil {
			return fmt.Errorf("load %s: %w", a, err)
		}
		for _, n := range names {
			fmt.Println("registry: serves", n)
		}
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	s := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	fmt.Println("registry: listens at", l.Addr())
	if o.cert != "" {
		err = s.ServeTLS(l, o.cert, o.key)
	} else {
		err = s.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
