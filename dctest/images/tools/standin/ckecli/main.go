// Ckecli imitates the command of CKE, which installs Kubernetes. It stores the values
// that Neco sets in etcd and prints them. Without arguments it lists its commands.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/ckedata"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/cli"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

func main() {
	file := flag.String("config", ckedata.DefaultConfig, "configuration")
	version := flag.Bool("version", false, "print the version")
	flag.Parse()
	if *version {
		fmt.Println("ckecli", ckedata.Version())
		return
	}
	cli.Main("ckecli", func(ctx context.Context) error { return run(ctx, *file, flag.Args()) })
}

func run(ctx context.Context, file string, args []string) error {
	if len(args) == 1 && args[0] == "images" { // needs no etcd
		fmt.Println(strings.Join(images(), "\n"))
		return nil
	}
	cmd, rest, err := find(args)
	if err != nil {
		return err
	}
	s, err := ckedata.Open(file)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, store.MaxWait)
	defer cancel()
	return cmd.run(call{ctx: ctx, store: s, args: rest, out: os.Stdout})
}
