package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/cybozu-go/neco/dctest/registrytest"
)

// registryCommand is the first argument of the process of the registry. The second one is
// the directory of the images.
const registryCommand = "registry"

// serveRegistry serves images until ctx ends. It prints its address on the first line of
// its output.
func serveRegistry(ctx context.Context, args []string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	s := &http.Server{Handler: &registrytest.Registry{Dir: args[0]}, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// registryProcess is the registry in a process of its own.
type registryProcess struct {
	address string
	cmd     *exec.Cmd
}

// startRegistry starts a registry with the images in dir. It blocks until the registry
// accepts connections.
func startRegistry(self, dir string) (*registryProcess, error) {
	cmd := exec.Command(self, registryCommand, dir)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // even if this process is killed
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &registryProcess{cmd: cmd}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		r.stop()
		return nil, fmt.Errorf("the registry has not started: %w", err)
	}
	r.address = strings.TrimSpace(line)
	return r, nil
}

// stop ends the registry.
func (r *registryProcess) stop() {
	_ = r.cmd.Process.Kill() // it may have ended
	_ = r.cmd.Wait()         // it is killed
}

// sent returns the number of bytes of blobs that the registry has sent.
func (r *registryProcess) sent(ctx context.Context) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.address+registrytest.SentPath, nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	var n int64
	err = json.NewDecoder(io.LimitReader(res.Body, 1<<10)).Decode(&n)
	return n, err
}
