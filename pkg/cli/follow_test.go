package cli_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/pkg/cli"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/storage"
)

// countedKV is an etcd client that counts its reads.
type countedKV struct {
	clientv3.KV
	reads *atomic.Int64
}

func (k countedKV) Get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	k.reads.Add(1)
	return k.KV.Get(ctx, key, opts...)
}

func (k countedKV) Txn(ctx context.Context) clientv3.Txn {
	k.reads.Add(1)
	return k.KV.Txn(ctx)
}

// TestAWatchReadsNoMoreWhenMoreChanges: changes arrive by the watch, and only about once
// a second a request checks that etcd answers.
func TestAWatchReadsNoMoreWhenMoreChanges(t *testing.T) {
	cluster := startEtcd(t)
	client := newClient(t, cluster, "/counted/")
	var reads atomic.Int64
	env := cli.System(testVersion)
	env.FS.Root = t.TempDir()
	env.Etcd = func(host.FS) (*storage.Storage, error) {
		c, err := cluster.Client("/counted/")
		if err == nil {
			c.KV = countedKV{c.KV, &reads}
		}
		return storage.New(c), err
	}
	mustPut(t, client, "info/bootservers/0", "")
	mustPut(t, client, "presence/0", `{"version":"2024.01.02-3","pid":1,"since":"2024-01-02T15:00:00Z"}`)
	mustPut(t, client, "status/current", `{"version":"2024.01.02-3","servers":[0],"started_at":"2024-01-02T15:00:00Z"}`)
	p := start(t, env, "status", "--watch", "--wait")
	p.until(t, `^0 .* not begun `)
	before, began := reads.Load(), time.Now()
	const changes = 200
	for range changes / 2 {
		for step := range 2 {
			putStatus(t, client, 6+step, 1)
			p.until(t, fmt.Sprintf(`boot server 0: step %d/18`, 6+step))
		}
	}
	n, seconds := reads.Load()-before, time.Since(began).Seconds()
	t.Logf("%d reads for %d changes in %.1f s", n, changes, seconds)
	if most := 5 + 4*seconds; float64(n) > most {
		t.Errorf("%d reads for %d changes in %.1f s, more than %.0f", n, changes, seconds, most)
	}
	putStatus(t, client, 18, 3)
	p.until(t, `boot server 0: completed$`)
	if code := <-p.code; code != 0 {
		t.Errorf("exit code %d: %s", code, p.errs)
	}
}

// TestAWatchSaysThatEtcdIsAway checks that although the watch of etcd stops without an
// error.
func TestAWatchSaysThatEtcdIsAway(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cluster, err := etcd.Start(ctx, etcd.Options{Dir: t.TempDir(), Members: 3, NoFsync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	env := cli.System(testVersion)
	env.FS.Root = t.TempDir()
	if err := writeConfig(env.FS.Root, cluster, "/away/"); err != nil {
		t.Fatal(err)
	}
	out, w := io.Pipe()
	errs, ew := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, env, []string{"status", "--watch"}, strings.NewReader(""), w, ew)
		_, _ = w.Close(), ew.Close()
	}()
	said := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(errs).ReadString('\n')
		said <- line
		_, _ = io.Copy(io.Discard, errs)
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("it shows nothing")
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	cluster.Stop(1)
	cluster.Stop(2)
	stopped := time.Now()
	if line := <-said; !strings.HasPrefix(line, "waiting for etcd: etcd has no majority here: ") {
		t.Errorf("it says %q", line)
	}
	took := time.Since(stopped)
	t.Logf("after %s", took.Round(time.Millisecond))
	if took > 3*answersWithin {
		t.Errorf("it says so after %s", took)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d", code)
	}
	t.Logf("ended after %s", time.Since(stopped).Round(time.Millisecond))
}
