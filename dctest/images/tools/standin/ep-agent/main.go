// Ep-agent imitates the agent of etcdpasswd, which creates users on a host from their
// definitions in etcd. It reads its configuration and stays connected to etcd; it changes
// no user.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/cli"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

func main() {
	file := flag.String("config", "/etc/etcdpasswd/config.yml", "configuration")
	flag.Parse()
	cli.Main("ep-agent", func(ctx context.Context) error { return run(ctx, *file) })
}

func run(ctx context.Context, file string) error {
	c := store.Config{Prefix: "/passwd/"}
	if err := cli.ReadConfig(file, &c); err != nil {
		return err
	}
	s, err := store.Open(c, os.TempDir()+"/etcdpasswd-without-etcd")
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	return store.Hold(ctx, s, "agents/"+host, fmt.Sprint(os.Getpid()), "user/", func(users []store.Pair) {
		fmt.Println("ep-agent: connected; users:", len(users))
	})
}
