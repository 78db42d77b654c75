// Sabakan stands in for the server that network-boots nodes and keeps the inventory. It
// has its REST API and the part of its GraphQL API that Neco uses; no machine boots from
// it.
//
// It owns its data below a prefix in etcd, or in its data directory if no etcd is
// configured. Uploaded files are in the data directory of the server that received them,
// from which the other servers download them.
package main

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/cli"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

type config struct {
	HTTP         string       `json:"http"`
	DataDir      string       `json:"data-dir"`
	AdvertiseURL string       `json:"advertise-url"`
	Etcd         store.Config `json:"etcd"`
}

func main() {
	file := flag.String("config-file", "", "configuration")
	flag.Parse()
	cli.Main("sabakan", func(ctx context.Context) error { return run(ctx, *file) })
}

func run(ctx context.Context, file string) error {
	c := config{HTTP: "0.0.0.0:10080", DataDir: "/var/lib/sabakan", Etcd: store.Config{Prefix: "/sabakan/"}}
	if file != "" {
		if err := cli.ReadConfig(file, &c); err != nil {
			return err
		}
	}
	if c.AdvertiseURL == "" {
		return errors.New("advertise-url is not configured")
	}
	s, err := store.Open(c.Etcd, filepath.Join(c.DataDir, "store"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(c.DataDir, "blobs"), 0o755); err != nil {
		return err
	}
	srv := &server{store: s, blobs: blobs{dir: filepath.Join(c.DataDir, "blobs"), self: c.AdvertiseURL, client: http.DefaultClient}}
	return cli.Serve(ctx, c.HTTP, srv.handler())
}
