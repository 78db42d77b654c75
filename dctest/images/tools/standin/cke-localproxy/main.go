// Cke-localproxy imitates the proxy through which boot servers reach the services of the
// Kubernetes cluster. It reads its configuration, checks that etcd responds, and keeps
// running. It proxies nothing, and its resolver knows one name of the cluster.
package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/ckedata"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/cli"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

func main() {
	file := flag.String("config", ckedata.DefaultConfig, "configuration")
	dns := flag.String("dns", "127.0.0.1:53", "address of the resolver")
	flag.String("interval", "1m", "ignored; for compatibility with the real program")
	flag.Parse()
	cli.Main("cke-localproxy", func(ctx context.Context) error {
		s, err := ckedata.Open(*file)
		if err != nil {
			return err
		}
		wait, cancel := context.WithTimeout(ctx, store.MaxWait)
		defer cancel()
		if _, err := s.List(wait, "resource/Service/"); err != nil {
			return fmt.Errorf("read the services: %w", err)
		}
		return resolve(ctx, *dns)
	})
}
