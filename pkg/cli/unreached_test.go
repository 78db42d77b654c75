package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/status"
)

// deadEtcd is a configuration whose only endpoint refuses connections.
const deadEtcd = "endpoints: [\"http://127.0.0.1:1\"]\n"

// refusal matches the error that every command reports about deadEtcd.
const refusal = "etcd has no majority here: none of its members answers (http://127.0.0.1:1: connection refused)"

// completeServer returns a server with all files that are needed to request a key from
// Vault.
func completeServer(t *testing.T, config string) Env {
	t.Helper()
	env := System("2024.01.02-3")
	env.FS = host.FS{Root: t.TempDir()}
	for name, data := range map[string]string{neco.NecoConfFile: config, "/etc/neco/rack": "0\n"} {
		if _, err := env.FS.Write(host.File{Path: name, Data: []byte(data), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := hostkey.Load(t.Context(), env.FS); err != nil {
		t.Fatal(err)
	}
	return env
}

// TestCommandsOfVaultSayThatEtcdHasNoMajority: neco vault unseal reports it only after
// its timeout.
func TestCommandsOfVaultSayThatEtcdHasNoMajority(t *testing.T) {
	for _, command := range []string{"vault unseal", "vault show-unseal-key", "vault show-root-token", "vault generate-root", "vault remove-unseal-key", "vault store-unseal-key"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			code := Run(t.Context(), completeServer(t, deadEtcd), strings.Fields(command), strings.NewReader(""), &out, &errs)
			if want := "Error: " + refusal + "\nHint: start etcd"; code != 1 || !strings.HasPrefix(errs.String(), want) {
				t.Errorf("exit code %d, it says %s", code, &errs)
			}
		})
	}
}

// TestAVaultThatDoesNotAnswerIsNotTakenForEtcd: the error is about Vault.
func TestAVaultThatDoesNotAnswerIsNotTakenForEtcd(t *testing.T) {
	t.Parallel()
	cluster, err := etcd.Start(t.Context(), etcd.Options{Dir: t.TempDir(), Members: 1, NoFsync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := cluster.Client(neco.NecoPrefix)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Put(t.Context(), "vault-unseal-key", "c2VjcmV0"); err != nil {
		t.Fatal(err)
	}
	ca, err := pki.NewCA(pki.ServerCA, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	env := completeServer(t, "endpoints: [\"http://"+cluster.Endpoint(0)+"\"]\n")
	if _, err := env.FS.Write(host.File{Path: neco.ServerCAFile, Data: ca.CertPEM(), Mode: 0o600}); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := Run(t.Context(), env, []string{"vault", "unseal"}, strings.NewReader(""), &out, &errs)
	if code != 1 || !strings.HasPrefix(errs.String(), "Error: vault does not answer: ") || strings.Contains(errs.String(), "etcd") {
		t.Errorf("exit code %d, it says %s", code, &errs)
	}
}

// idleUnits are units that can be stopped.
type idleUnits struct{ component.Units }

func (idleUnits) Stop(context.Context, string) error { return nil }

// TestAResetSaysThatEtcdCannotBeAsked also tests neco reset --force.
func TestAResetSaysThatEtcdCannotBeAsked(t *testing.T) {
	for name, tt := range map[string]struct{ force, reset bool }{"refused": {false, false}, "forced": {true, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := completeServer(t, deadEtcd)
			h := setup.Host{FS: env.FS, Units: idleUnits{}, TrustServerCA: func(context.Context) error { return nil }}
			cmd := &cobra.Command{}
			cmd.SetContext(t.Context())
			var errs bytes.Buffer
			cmd.SetOut(io.Discard)
			cmd.SetErr(&errs)
			err := reset(cmd, &env, h, consent{true}, tt.force)
			report(&errs, err)
			if (err == nil) != tt.reset || !strings.Contains(errs.String(), refusal) {
				t.Errorf("%v; it says %s", err, &errs)
			}
		})
	}
}

// TestAPasswordIsNotAskedForWithoutEtcd: a command checks that etcd answers before it
// asks for a password.
func TestAPasswordIsNotAskedForWithoutEtcd(t *testing.T) {
	t.Parallel()
	env := completeServer(t, deadEtcd)
	if _, err := env.FS.Write(host.File{Path: neco.ServerCAFile, Data: []byte("x"), Mode: 0o600}); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := Run(t.Context(), env, []string{"join-token", "list"}, strings.NewReader(""), &out, &errs)
	if want := "Error: " + refusal + "\nHint: start etcd"; code != 1 || !strings.HasPrefix(errs.String(), want) {
		t.Errorf("exit code %d, it says %s", code, &errs)
	}
}

// TestAWaitThatEndsWithoutEtcdMarksWhatItShows: the last view is marked as stale.
func TestAWaitThatEndsWithoutEtcdMarksWhatItShows(t *testing.T) {
	for name, tt := range map[string]struct {
		failure error
		stale   bool
	}{
		"etcd is lost":     {&unreachedError{faults: []fault{{endpoint: "http://127.0.0.1:1", cause: "no answer"}}}, true},
		"it was cut short": {context.DeadlineExceeded, false},
		"etcd answers":     {nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			cmd := &cobra.Command{}
			cmd.SetContext(t.Context())
			cmd.SetOut(&out)
			at := time.Date(2024, 1, 2, 15, 0, 0, 0, time.UTC)
			f := &follower{
				statusOptions: statusOptions{wait: true}, cmd: cmd, failure: tt.failure, last: &status.View{At: at, State: status.Running, StartedAt: &at},
				probes: probes{ask: func(context.Context, []int) map[int]string { return nil }},
			}
			err := f.cutOff(t.Context(), at.Add(time.Minute))
			if exit := (*ExitError)(nil); !errors.As(err, &exit) || exit.Code != CodeRunning {
				t.Errorf("error %v", err)
			}
			if strings.Contains(out.String(), "STALE    read 1m ago; since then: etcd has no majority here") != tt.stale {
				t.Errorf("stale: want %t, it shows\n%s", tt.stale, &out)
			}
		})
	}
}
