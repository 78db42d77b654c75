package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/pkg/backup"
	"github.com/cybozu-go/neco/pkg/hostkey"
)

// TestABackupWaitsForAMemberThatAnswersLate delays each connection until other commands have
// failed.
func TestABackupWaitsForAMemberThatAnswersLate(t *testing.T) {
	t.Parallel()
	cluster, err := etcd.Start(t.Context(), etcd.Options{Dir: t.TempDir(), Members: 1, NoFsync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	env := completeServer(t, deadEtcd)
	env.MemberTimeout = 50 * time.Millisecond
	conf := neco.EtcdConfig{Endpoints: []string{"http://" + late(t, cluster.Endpoint(0), patience+5*env.MemberTimeout)}, Prefix: neco.NecoPrefix, Timeout: "2s"}
	o := backup.Options{FS: env.FS, Now: env.Now, Log: slog.New(slog.DiscardHandler)}
	if o.Identity, err = hostkey.Load(t.Context(), env.FS); err != nil {
		t.Fatal(err)
	}
	if o.Etcd, err = conf.Client(); err != nil {
		t.Fatal(err)
	}
	defer o.Etcd.Close()
	got, err := backupRecipients(t.Context(), &env, o, x509.NewCertPool())
	if want := []string{o.Identity.Recipient()}; err != nil || !slices.Equal(got, want) {
		t.Errorf("recipients %q, error %v; want %q", got, err, want)
	}
}

// late returns the address of a proxy that forwards each connection to address after a delay.
func late(t *testing.T, address string, delay time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var g sync.WaitGroup
	g.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			g.Go(func() { forward(ctx, c, address, delay) })
		}
	})
	t.Cleanup(func() {
		cancel()
		l.Close()
		g.Wait()
	})
	return l.Addr().String()
}

// forward connects c with address after a delay, until one of them ends or ctx does.
func forward(ctx context.Context, c net.Conn, address string, delay time.Duration) {
	defer c.Close()
	if neco.SleepContext(ctx, delay) != nil {
		return
	}
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	end := context.AfterFunc(ctx, func() { _ = errors.Join(c.Close(), server.Close()) })
	defer end()
	var g sync.WaitGroup
	for _, pair := range [][2]net.Conn{{c, server}, {server, c}} {
		g.Go(func() {
			_, _ = io.Copy(pair[0], pair[1])
			_ = errors.Join(c.Close(), server.Close())
		})
	}
	g.Wait()
}
