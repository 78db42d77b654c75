// Package sabakantest gives tests a sabakan on loopback: the program that imitates
// sabakan in the virtual data centre, without etcd. It is for tests only.
package sabakantest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
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
	url, stop, err := Launch(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return url
}

// Launch starts a sabakan with its program and its data in dir, which must be empty, and
// returns its URL. It blocks until sabakan answers. The caller calls stop, which ends
// sabakan; sabakan also ends with this process.
func Launch(ctx context.Context, dir string) (url string, stop func(), err error) {
	binary := filepath.Join(dir, "sabakan")
	if err := standintest.Build("sabakan", binary); err != nil {
		return "", nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	addr := l.Addr().String()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "config.yml")
	url = "http://" + addr
	config := fmt.Sprintf("http: %s\ndata-dir: %s\nadvertise-url: %s\n", addr, data, url)
	if err := errors.Join(os.Mkdir(data, 0o755), os.WriteFile(file, []byte(config), 0o600), l.Close()); err != nil {
		return "", nil, err
	}
	cmd := exec.Command(binary, "-config-file", file)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // even if this process is killed
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // it is killed
	}
	if err := await(ctx, url); err != nil {
		stop()
		return "", nil, err
	}
	return url, stop, nil
}

func await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("sabakan does not answer within %s", startTimeout))
	defer cancel()
	c := sabakan.New(url)
	defer c.Close()
	for {
		err := c.Health(ctx)
		if err == nil {
			return nil
		}
		if neco.SleepContext(ctx, pause) != nil {
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// Uploads are PUT requests to sabakan, and the sum of the sizes of their bodies.
type Uploads struct {
	Requests int   `json:"requests"`
	Bytes    int64 `json:"bytes"`
}

// Received returns the uploads that the sabakan at url has received since its start, by
// kind: assets, images, ignitions, config.
func Received(ctx context.Context, url string) (map[string]Uploads, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/standin/received", nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var kinds map[string]Uploads
	return kinds, json.NewDecoder(res.Body).Decode(&kinds)
}
