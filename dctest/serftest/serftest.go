// Package serftest runs agents of the real serf on loopback. It is for tests only.
package serftest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/serf/client"

	"github.com/cybozu-go/neco/dctest/loopback"
	"github.com/cybozu-go/neco/dctest/standintest"
	"github.com/cybozu-go/neco/pkg/retry"
)

// startTimeout is how long an agent may take to answer and to join the others.
const startTimeout = time.Minute

// Agent is a member of a cluster of serf.
type Agent struct {
	// Address is its address, with which it is a member.
	Address netip.Addr
	// RPC is its RPC endpoint.
	RPC string

	gossip string
	cmd    *exec.Cmd
}

// Cluster is a cluster of agents that end with the test.
type Cluster struct {
	binary, dir string
	agents      []*Agent
}

// New returns a cluster without members.
func New(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{dir: t.TempDir()}
	c.binary = filepath.Join(c.dir, "serf")
	if err := standintest.BuildTool("serf", "github.com/hashicorp/serf/cmd/serf", "serf", c.binary); err != nil {
		t.Fatal(err)
	}
	return c
}

// Join starts an agent at an address in 127.0.0.0/8, on a free port, with the given tags, written
// as NAME=VALUE. It blocks until the agent has joined the others of the cluster.
func (c *Cluster) Join(t testing.TB, address netip.Addr, tags ...string) *Agent {
	t.Helper()
	var args []string
	for _, tag := range tags {
		args = append(args, "-tag", tag)
	}
	if len(c.agents) > 0 {
		args = append(args, "-join", c.agents[0].gossip)
	}
	a := c.start(t, address, args...)
	c.agents = append(c.agents, a)
	first := c.agents[0]
	first.Await(t, fmt.Sprintf("%d members", len(c.agents)), func(all []client.Member) bool { return len(all) == len(c.agents) })
	return a
}

// Alone starts an agent that does not join the cluster. It blocks until the agent answers.
func (c *Cluster) Alone(t testing.TB, address netip.Addr) *Agent {
	t.Helper()
	a := c.start(t, address)
	a.Await(t, "answer", func(all []client.Member) bool { return len(all) == 1 })
	return a
}

// start starts an agent with further arguments.
func (c *Cluster) start(t testing.TB, address netip.Addr, more ...string) *Agent {
	t.Helper()
	a := place(t, address)
	args := []string{"agent", "-node", a.Address.String(), "-bind", a.gossip, "-rpc-addr", a.RPC, "-profile", "local", "-log-level", "warn"}
	a.cmd = exec.Command(c.binary, append(args, more...)...)
	var output bytes.Buffer
	a.cmd.Stdout, a.cmd.Stderr = &output, &output
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // even if this process is killed
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Kill()
		if t.Failed() {
			t.Logf("serf %s: %s", address, &output)
		}
	})
	return a
}

// place returns an agent at address with free ports.
func place(t testing.TB, address netip.Addr) *Agent {
	t.Helper()
	free, err := loopback.FreeAddresses(2)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(free[0])
	if err != nil {
		t.Fatal(err)
	}
	return &Agent{Address: address, RPC: free[1], gossip: net.JoinHostPort(address.String(), port)}
}

// Kill kills the agent. The others notice after some seconds.
func (a *Agent) Kill() {
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

// Tag sets the tags in set, and deletes those called in remove.
func (a *Agent) Tag(t testing.TB, set map[string]string, remove ...string) {
	t.Helper()
	if err := a.call(func(c *client.RPCClient) error { return c.UpdateTags(set, remove) }); err != nil {
		t.Fatal(err)
	}
}

// Await blocks until the members that the agent knows are as wanted. what names the wish.
func (a *Agent) Await(t testing.TB, what string, wanted func([]client.Member) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), startTimeout, fmt.Errorf("serf: no %s within %s", what, startTimeout))
	defer cancel()
	err := retry.Until(ctx, func() error {
		return a.call(func(c *client.RPCClient) error {
			all, err := c.Members()
			if err == nil && !wanted(all) {
				err = fmt.Errorf("members are %v", all)
			}
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (a *Agent) call(f func(*client.RPCClient) error) error {
	c, err := client.ClientFromConfig(&client.Config{Addr: a.RPC, Timeout: startTimeout})
	if err != nil {
		return err
	}
	defer c.Close()
	return f(c)
}
