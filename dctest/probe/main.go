// Command probe sends a request to a service of the boot servers every 100 ms, until its
// standard input ends. Then it prints the longest time without a successful response.
//
//	probe etcd    writes a key
//
//	probe vault   reads a CA certificate through any server, to which Vault's active node responds
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
	// requestTimeout is how long probe waits for a response before a request fails. It is
	// short, so that a request to a dead server is soon repeated at another one.
	requestTimeout = time.Second
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// gaps is the JSON that probe prints.
type gaps struct {
	Answers int           `json:"answers"`
	Longest time.Duration `json:"longest"`
	// Worst is the largest number of members of etcd that were down at the same time.
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

// repeat sends requests until ctx ends, and records in g when they succeeded and how long
// they failed.
func (g *gaps) repeat(ctx context.Context, request func(context.Context) error) {
	last := time.Now()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for ctx.Err() == nil {
		short, cancel := context.WithTimeout(ctx, requestTimeout)
		err := request(short)
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

// metricsPort is a port of etcd that does not use TLS. If a connection to it sends no
// request, etcd logs nothing.
const metricsPort = "2381"

// voters returns the voting members of etcd that have been started. If no server
// responds, it returns the previous list.
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

// down returns how many of the members are down, because their port of etcd is closed. It
// sends no request, because a restart of etcd may be shorter than one.
func down(ctx context.Context, members []*etcdserverpb.Member) int {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	refused := make(chan bool)
	dialled := 0
	for _, m := range members {
		u, err := url.Parse(m.ClientURLs[0])
		if err != nil {
			continue
		}
		dialled++
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
	for range dialled {
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
			one, cancel := context.WithTimeout(ctx, requestTimeout/time.Duration(len(addrs)))
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
