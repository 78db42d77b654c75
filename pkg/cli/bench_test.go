package cli_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/cli"
	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
)

// benchServers is the maximum number of boot servers of a data centre.
const benchServers = 5

// fill writes every key that exists at the end of an update.
func fill(b *testing.B, client *clientv3.Client) {
	b.Helper()
	run := fmt.Sprintf(`"version":%q,"started_at":"2024-01-02T15:00:00Z"`, testVersion)
	var lrns []string
	for lrn := range benchServers {
		lrns = append(lrns, fmt.Sprint(lrn))
		mustPut(b, client, storage.BootServerKey(lrn), "")
		mustPut(b, client, storage.PresenceKey(lrn), `{"version":"2024.01.02-3","pid":4711,"boot_id":"b","host_id":"h","since":"2024-01-02T15:00:00Z"}`)
		mustPut(b, client, storage.StatusKey(lrn), fmt.Sprintf(`{%s,"step":%d,"cond":1,"message":"waits for the lock","host_id":"h","at":"2024-01-02T15:10:00Z"}`, run, 12+lrn%2))
	}
	mustPut(b, client, storage.KeyRequest, fmt.Sprintf(`{%s,"servers":[%s],"stop":false}`, run, strings.Join(lrns, ",")))
	for _, name := range []string{"sabakan", "cke", "dhcp.json", "cke-template", "user-resources"} {
		mustPut(b, client, storage.KeyContents+name, fmt.Sprintf(`{%s,"success":true}`, run))
	}
	for _, k := range storage.ConfigKeys() {
		mustPut(b, client, storage.KeyConfig+k.Key, "600000000000")
	}
	mustPut(b, client, storage.KeyRelease, testVersion)
	mustPut(b, client, storage.KeyCheck, `{"checked_at":"2024-01-02T15:00:00Z"}`)
}

// BenchmarkStatus shows a data centre of five boot servers in the middle of an update:
// from a snapshot, from etcd, and as a whole command.
func BenchmarkStatus(b *testing.B) {
	cluster := startEtcd(b)
	client := newClient(b, cluster, "/bench/")
	fill(b, client)
	env := cli.System(testVersion)
	env.FS.Root = b.TempDir()
	if err := writeConfig(env.FS.Root, cluster, "/bench/"); err != nil {
		b.Fatal(err)
	}
	store := storage.New(client)
	snap, err := store.Snapshot(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("view", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := status.New(snap, steps.Table(), env.Now()).Render(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("etcd", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			snap, err := store.Snapshot(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			if err := status.New(snap, steps.Table(), env.Now()).Render(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("command", func(b *testing.B) {
		for b.Loop() {
			if code := cli.Run(b.Context(), env, []string{"status"}, strings.NewReader(""), io.Discard, io.Discard); code != 0 {
				b.Fatalf("exit code %d", code)
			}
		}
	})
}
