package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/pkg/cli"
)

// answersWithin is how long a command may take if etcd has no majority. The test allows
// three times that for busy machines, which is less than the 10 s of a command that
// does not query the members.
const answersWithin = 3 * time.Second

// TestACommandSaysAtOnceThatEtcdHasNoMajority stops two of three members and then all:
// one refuses connections, one is silent.
func TestACommandSaysAtOnceThatEtcdHasNoMajority(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cluster, err := etcd.Start(ctx, etcd.Options{Dir: t.TempDir(), Members: 3, NoFsync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cluster.Stop(1)
	cluster.Stop(2)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	left, refuses := cluster.Endpoint(0), cluster.Endpoint(1)
	for _, tt := range []struct {
		name      string
		endpoints []string
		want      string
	}{
		{"one of three answers", []string{left, refuses, silent.Addr().String()}, left + " answers"},
		{"none answers", []string{refuses, silent.Addr().String()}, "none of its members answers"},
	} {
		for _, command := range []string{"status", "stop", "history", "config list", "status --wait --timeout 1s"} {
			t.Run(tt.name+": "+command, func(t *testing.T) {
				t.Parallel()
				began := time.Now()
				code, errs := runAt(t, tt.endpoints, command)
				took := time.Since(began)
				t.Logf("answered after %s", took.Round(time.Millisecond))
				if code != 1 || took > 3*answersWithin {
					t.Errorf("exit code %d after %s", code, took)
				}
				if !strings.Contains(errs, "etcd has no majority here: ") || !strings.Contains(errs, tt.want) || !strings.Contains(errs, "Hint: start etcd") || strings.Contains(errs, "rpc error") {
					t.Errorf("it says %s", errs)
				}
			})
		}
	}
}

// runAt runs a command of neco on a boot server with the endpoints.
func runAt(t *testing.T, endpoints []string, command string) (code int, errs string) {
	t.Helper()
	root := t.TempDir()
	path := filepath.Join(root, "etc/neco/config.yml")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "prefix: /neco/\nendpoints:\n"
	for _, ep := range endpoints {
		text += fmt.Sprintf("- http://%s\n", ep)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := cli.System(testVersion)
	env.FS.Root = root
	var out, stderr bytes.Buffer
	code = cli.Run(context.Background(), env, strings.Fields(command), strings.NewReader(""), &out, &stderr)
	return code, stderr.String()
}
