package cli

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/storage"
)

// deadEtcd is a configuration whose only endpoint refuses connections.
const deadEtcd = "endpoints: [\"http://127.0.0.1:1\"]\n"

// refusal is how every command says that deadEtcd does not answer.
const refusal = "etcd has no majority: none of its members answers (http://127.0.0.1:1: connection refused)"

// completeServer has what a boot server needs to ask for a key of Vault.
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

// TestCommandsOfVaultSayThatEtcdHasNoMajority: unseal after it has waited.
func TestCommandsOfVaultSayThatEtcdHasNoMajority(t *testing.T) {
	for _, command := range []string{"vault unseal", "vault show-unseal-key", "vault show-root-token", "vault generate-root", "vault remove-unseal-key"} {
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

// idleUnits has units that can be stopped.
type idleUnits struct{ component.Units }

func (idleUnits) Stop(context.Context, string) error { return nil }

// TestAResetSaysThatEtcdCannotBeAsked, also one that goes on because of --force.
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

// TestLongWorkDoesNotBeginWithoutEtcd: a password is not asked for, and nothing is
// tried again for minutes.
func TestLongWorkDoesNotBeginWithoutEtcd(t *testing.T) {
	t.Parallel()
	env := completeServer(t, deadEtcd)
	err := env.session(t.Context(), func(*storage.Storage) error {
		t.Error("the work has begun")
		return nil
	})
	if err == nil || err.Error() != refusal {
		t.Errorf("error %v", err)
	}
}
