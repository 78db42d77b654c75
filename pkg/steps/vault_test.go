package steps_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/update"
)

// withVault returns a host on which a container of Vault with the image tag tag is
// running.
func withVault(t *testing.T, tag string) (*componenttest.Host, *steps.Host, host.FS) {
	t.Helper()
	_, units, h, ch := newHost(t)
	unit := "[Service]\nExecStart=/usr/bin/docker run quay.io/cybozu/vault:" + tag + " server\n"
	for name, text := range map[string]string{neco.EtcdPeerCertFile: "x", neco.ServiceFile(neco.VaultService): unit} {
		file := ch.FS.Path(name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := units.Start(t.Context(), neco.VaultService); err != nil {
		t.Fatal(err)
	}
	units.Tags = map[string]string{neco.VaultService: tag}
	units.Did()
	return units, h, ch.FS
}

func stopStep(t *testing.T, h *steps.Host) string {
	t.Helper()
	tg, _ := target(neco.ProdEnv)
	note, err := h.Do(t.Context(), update.Place{Step: 3}, tg)
	if err != nil {
		t.Fatal(err)
	}
	return note
}

func TestVaultIsStoppedWhereItsMajorVersionChanges(t *testing.T) {
	units, h, _ := withVault(t, "0.11.6.1")
	if note := stopStep(t, h); !strings.Contains(note, "must not run beside") {
		t.Errorf("note %q", note)
	}
	if did := units.Did(); !slices.Equal(did, []string{"disable vault", "stop vault"}) {
		t.Errorf("did %q", did)
	}
	if units.AtBoot(neco.VaultService) {
		t.Error("after a power cut it would start beside the next version")
	}
}

func TestAVaultWhoseStopIsCutOffStartsAtBootAgain(t *testing.T) {
	for _, side := range []update.Side{update.SideOld, update.SideNew} {
		t.Run(string(side), func(t *testing.T) {
			units, h, _ := withVault(t, "0.11.6.1")
			cut := errors.New("killed")
			units.Fail = func(act string) error {
				if act == "stop vault" {
					return cut
				}
				return nil
			}
			tg, _ := target(neco.ProdEnv)
			if _, err := h.Do(t.Context(), update.Place{Step: 3}, tg); !errors.Is(err, cut) {
				t.Fatal(err)
			}
			if err := h.Restore(t.Context(), "vault", side, tg); err != nil {
				t.Error(err)
			}
			if did := units.Did(); !slices.Equal(did, []string{"disable vault", "enable vault"}) || !units.AtBoot(neco.VaultService) {
				t.Errorf("did %q", did)
			}
		})
	}
}

func TestVaultOfTheSameMajorVersionRunsOn(t *testing.T) {
	units, h, _ := withVault(t, "1.2.3.1")
	if note := stopStep(t, h); note != "" {
		t.Errorf("note %q", note)
	}
	if did := units.Did(); len(did) > 0 {
		t.Errorf("did %q", did)
	}
}

func TestAVaultThatWasStoppedComesBack(t *testing.T) {
	for _, side := range []update.Side{update.SideOld, update.SideNew} {
		t.Run(string(side), func(t *testing.T) {
			units, h, fsys := withVault(t, "0.11.6.1")
			stopStep(t, h)
			units.Did()
			tg, _ := target(neco.ProdEnv)
			// No Vault listens in this test, so the new version does not become ready.
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := h.Restore(ctx, "vault", side, tg)
			unit, readErr := fsys.Read(neco.ServiceFile(neco.VaultService))
			if readErr != nil {
				t.Fatal(readErr)
			}
			if !units.AtBoot(neco.VaultService) {
				t.Error("it does not start at boot")
			}
			did, isOld := units.Did(), strings.Contains(string(unit), ":0.11.6.1")
			if side == update.SideOld && (err != nil || !slices.Equal(did, []string{"start vault"}) || !isOld) {
				t.Errorf("error %v, did %q, old unit: %t", err, did, isOld)
			}
			if side == update.SideNew && (!slices.Contains(did, "restart vault") || isOld) {
				t.Errorf("error %v, did %q, old unit: %t", err, did, isOld)
			}
		})
	}
}

func TestAVaultThatRunsIsNotTouchedOnTheWayOut(t *testing.T) {
	units, h, fsys := withVault(t, "1.2.3.1")
	stopStep(t, h)
	tg, _ := target(neco.ProdEnv)
	for _, side := range []update.Side{update.SideOld, update.SideNew} {
		if err := h.Restore(t.Context(), "vault", side, tg); err != nil {
			t.Error(err)
		}
	}
	unit, err := fsys.Read(neco.ServiceFile(neco.VaultService))
	if err != nil || !strings.Contains(string(unit), ":1.2.3.1") {
		t.Errorf("unit %s, %v", unit, err)
	}
	if did := units.Did(); !slices.Equal(did, []string{"enable vault", "enable vault"}) {
		t.Errorf("did %q", did)
	}
}
