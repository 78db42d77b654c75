// Package sabakantest gives tests a sabakan on loopback: the program that imitates
// sabakan in the virtual data centre, without etcd. It is for tests only.
package sabakantest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/standintest"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

const (
	startTimeout = time.Minute
	pause        = 20 * time.Millisecond
)

// IPAM is a configuration of addresses for [sabakan.Client.PutIPAM].
const IPAM = `{
  "max-nodes-in-rack": 28,
  "node-ipv4-pool": "10.69.0.0/20", "node-ipv4-offset": "", "node-ipv4-range-size": 6, "node-ipv4-range-mask": 26,
  "node-ip-per-node": 3, "node-index-offset": 3, "node-gateway-offset": 1,
  "bmc-ipv4-pool": "10.72.16.0/20", "bmc-ipv4-offset": "0.0.1.0", "bmc-ipv4-range-size": 5, "bmc-ipv4-range-mask": 20,
  "bmc-ipv4-gateway-offset": 1
}`

// Machines returns the boot servers of racks, and one node, as the list that sabactl
// registers.
func Machines(racks ...int) string {
	var specs []string
	for _, rack := range racks {
		specs = append(specs, Machine(fmt.Sprintf("boot-%d", rack), rack, "boot"))
	}
	return "[" + strings.Join(append(specs, Machine("cs-0", 0, "cs")), ",") + "]"
}

// Machine returns a machine as an element of that list.
func Machine(serial string, rack int, role string) string {
	return fmt.Sprintf(`{"serial":%q,"rack":%d,"role":%q,"retire-date":"2031-01-01T00:00:00Z","labels":{"machine-type":"qemu"},"bmc":{"type":"IPMI-2.0"}}`, serial, rack, role)
}

// Start starts a sabakan that ends with the test, and returns its URL.
func Start(t testing.TB) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "sabakan")
	if err := standintest.Build("sabakan", binary); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	dir, url := t.TempDir(), "http://"+addr
	file := filepath.Join(dir, "config.yml")
	config := fmt.Sprintf("http: %s\ndata-dir: %s\nadvertise-url: %s\n", addr, dir, url)
	if err := errors.Join(os.WriteFile(file, []byte(config), 0o600), l.Close()); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-config-file", file)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // even if the test is killed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // it is killed
	})
	await(t, url)
	return url
}

func await(t testing.TB, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), startTimeout, fmt.Errorf("sabakan does not answer within %s", startTimeout))
	defer cancel()
	c := sabakan.New(url)
	defer c.Close()
	for {
		err := c.Health(ctx)
		if err == nil {
			return
		}
		if neco.SleepContext(ctx, pause) != nil {
			t.Fatal(errors.Join(context.Cause(ctx), err))
		}
	}
}
