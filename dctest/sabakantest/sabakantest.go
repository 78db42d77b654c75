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
