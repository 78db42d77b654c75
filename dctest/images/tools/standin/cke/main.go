// Cke imitates the program that installs Kubernetes. It reads its configuration,
// registers its host and version in etcd, and serves /health and /version; it installs
// nothing.
//
// It prints an error if another host runs another version at the same time, which an
// update must never allow.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/ckedata"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/cli"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

func main() {
	file := flag.String("config", ckedata.DefaultConfig, "configuration")
	listen := flag.String("http", "0.0.0.0:10180", "address of the API")
	host := flag.String("host", "", "name under which this host registers (default: its host name)")
	version := flag.Bool("version", false, "print the version")
	flag.Parse()
	if *version {
		fmt.Println("cke", ckedata.Version())
		return
	}
	cli.Main("cke", func(ctx context.Context) error { return run(ctx, *file, *listen, *host) })
}

func run(ctx context.Context, file, listen, host string) error {
	s, err := ckedata.Open(file)
	if err != nil {
		return err
	}
	if host == "" {
		if host, err = os.Hostname(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	held := make(chan error, 1)
	go func() {
		err := store.Hold(ctx, s, "running/"+host, ckedata.Version(), "running/", report)
		held <- err
		cancel(err)
	}()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, `{"health":"healthy"}`) })
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "{\"version\":%q}\n", ckedata.Version())
	})
	err = cli.Serve(ctx, listen, mux)
	cancel(err)
	if herr := <-held; herr != nil {
		return herr
	}
	return err
}

func report(pairs []store.Pair) {
	for _, p := range pairs {
		if string(p.Value) != ckedata.Version() {
			fmt.Fprintf(os.Stderr, "cke: ANOTHER VERSION RUNS: %s is %s, this is %s\n", p.Key, p.Value, ckedata.Version())
		}
	}
}
