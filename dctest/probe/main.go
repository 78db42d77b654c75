// Command probe asks a service of the boot servers every 100 ms, until its
// standard input ends, and prints for how long there was no answer at most.
//
//	probe etcd    writes a key
//	probe vault   reads a certificate through any server, which Vault's active node answers
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"syscall"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/vault"
)

const (
	interval = 100 * time.Millisecond
	// patience is short: a question that hangs is asked elsewhere.
	patience = time.Second
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// gaps is what is printed.
type gaps struct {
	Answers int           `json:"answers"`
	Longest time.Duration `json:"longest"`
	// Worst is how many members of etcd were down at once at most.
	Worst int `json:"worst"`
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: probe etcd|vault")
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	conf, err := neco.LoadEtcdConfig(neco.NecoConfFile)
	if err != nil {
		return err
	}
	var g gaps
	switch args[0] {
	case "etcd":
		err = etcd(ctx, conf, &g)
	case "vault":
		err = vaults(ctx, conf, &g)
	default:
		err = fmt.Errorf("unknown service %q", args[0])
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(g)
}

// repeat asks until ctx ends.
func (g *gaps) repeat(ctx context.Context, ask func(context.Context) error) {
	last := time.Now()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for ctx.Err() == nil {
		short, cancel := context.WithTimeout(ctx, patience)
		err := ask(short)
		cancel()
		if err == nil {
			g.Answers++
			g.Longest = max(g.Longest, time.Since(last))
			last = time.Now()
		} else if ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, time.Now().Format(time.TimeOnly), err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	g.Longest = max(g.Longest, time.Since(last))
}

func etcd(ctx context.Context, conf *neco.EtcdConfig, g *gaps) error {
	c, err := conf.Client()
	if err != nil {
		return err
	}
	defer c.Close()
	watched := make(chan int)
	go func() {
		worst := 0
		var members []*etcdserverpb.Member
		for ctx.Err() == nil {
			members = voters(ctx, c, members)
			worst = max(worst, down(ctx, members))
			neco.SleepContext(ctx, interval/2)
		}
		watched <- worst
	}()
	g.repeat(ctx, func(ctx context.Context) error {
		_, err := c.Put(ctx, "probe", time.Now().String())
		return err
	})
	g.Worst = <-watched
	return nil
}

// metricsPort is where etcd listens without TLS, so that a connection that says
// nothing leaves no trace in its log.
const metricsPort = "2381"

// voters are the members that have been up; those of before if nobody tells.
func voters(ctx context.Context, c *clientv3.Client, before []*etcdserverpb.Member) []*etcdserverpb.Member {
	ctx, cancel := context.WithTimeout(ctx, interval)
	defer cancel()
	list, err := c.MemberList(ctx, clientv3.WithSerializable())
	if err != nil {
		return before
	}
	return slices.DeleteFunc(list.Members, func(m *etcdserverpb.Member) bool {
		return m.Name == "" || m.IsLearner || len(m.ClientURLs) == 0
	})
}

// down counts the members on whose server nobody listens: a restart is shorter
// than any question that waits for an answer.
func down(ctx context.Context, members []*etcdserverpb.Member) int {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	refused := make(chan bool)
	asked := 0
	for _, m := range members {
		u, err := url.Parse(m.ClientURLs[0])
		if err != nil {
			continue
		}
		asked++
		go func() {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), metricsPort))
			if err == nil {
				conn.Close()
			}
			refused <- errors.Is(err, syscall.ECONNREFUSED)
		}()
	}
	n := 0
	for range asked {
		if <-refused {
			n++
		}
	}
	return n
}

func vaults(ctx context.Context, conf *neco.EtcdConfig, g *gaps) error {
	addrs := []string{vault.Local}
	for lrn := range len(conf.Endpoints) {
		addrs = append(addrs, vault.Address(lrn))
	}
	g.repeat(ctx, func(ctx context.Context) error {
		var errs []error
		for _, addr := range addrs {
			c, err := vault.Open(addr, neco.ServerCAFile, "")
			if err != nil {
				return err
			}
			c.SetMaxRetries(0)
			one, cancel := context.WithTimeout(ctx, patience/time.Duration(len(addrs)))
			pem, err := vault.CA(one, c, neco.CAServer)
			cancel()
			if err == nil && len(pem) > 0 {
				return nil
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
	return nil
}
