package reboot_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cybozu-go/neco/pkg/bmc"
	"github.com/cybozu-go/neco/pkg/reboot"
	"github.com/cybozu-go/neco/pkg/sabakan"
	"github.com/cybozu-go/neco/pkg/statesetter"
)

// life is what happens to a machine after its restart.
type life struct {
	// off reports whether it is off at first.
	off bool
	// before and after are its tags uptime.
	before, after string
	// boots is how long it takes to boot, and heals how long until it is healthy after that; 0:
	// never.
	boots, heals time.Duration
	// stale: sabakan calls it healthy all the time, as before the restart.
	stale bool
	// failed are its failed units after the boot, by serf; nil: serf is not told.
	failed *string
	// left are other members of serf with its serial number.
	left []statesetter.Member
}

// none are no failed units.
var none = new(string)

// restart restarts a machine that leads this life, and waits for an hour at most.
func (l life) restart(t *testing.T) (resets []bmc.Reset, said []string, took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var restarted time.Time
		after := func(d time.Duration) bool { return d > 0 && !restarted.IsZero() && time.Since(restarted) >= d }
		m := reboot.Machine{
			Serial: "1",
			Members: func(context.Context) ([]statesetter.Member, error) {
				tags := map[string]string{"uptime": l.before, statesetter.FailedUnitsTag: ""}
				switch {
				case after(l.boots):
					tags = map[string]string{"uptime": l.after}
					if l.failed != nil {
						tags[statesetter.FailedUnitsTag] = *l.failed
					}
				case !restarted.IsZero():
					return []statesetter.Member{{Status: "failed", Tags: tags}}, errors.New("serf is busy")
				}
				return append([]statesetter.Member{{Status: "alive", Tags: tags}}, l.left...), nil
			},
			State: func(context.Context) (sabakan.State, error) {
				if l.stale || l.heals > 0 && after(l.boots+l.heals) {
					return sabakan.Healthy, nil
				}
				return sabakan.Unreachable, nil
			},
			Reset: func(_ context.Context, r bmc.Reset) error {
				resets = append(resets, r)
				if l.off && r == bmc.ForceRestart {
					return fmt.Errorf("x: %w", bmc.ErrState)
				}
				restarted = time.Now()
				return nil
			},
			Say: func(text string) { said = append(said, text) },
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, errors.New("not within 1h0m0s"))
		defer cancel()
		err = m.Wait(ctx)
		took = time.Since(began)
	})
	return resets, said, took, err
}

const (
	monday  = "2026-11-30 10:00:00"
	tuesday = "2026-12-01 10:00:00"
)

func TestItWaitsUntilTheMachineIsHealthyAfterABoot(t *testing.T) {
	resets, said, took, err := life{before: monday, after: tuesday, boots: 5 * time.Minute, heals: 3 * time.Minute, failed: none}.restart(t)
	if err != nil || len(resets) != 1 || resets[0] != bmc.ForceRestart || took < 8*time.Minute || took > 9*time.Minute {
		t.Errorf("%v after %s, %v", resets, took, err)
	}
	if want := []string{"waits until it has booted", "waits until it is healthy"}; strings.Join(said, ",") != strings.Join(want, ",") {
		t.Errorf("said %q", said)
	}
	// A machine without a member of serf before, and one that is off.
	if _, _, _, err := (life{after: tuesday, boots: time.Minute, heals: time.Minute, failed: none}).restart(t); err != nil {
		t.Error(err)
	}
	resets, _, _, err = life{off: true, before: monday, after: tuesday, boots: time.Minute, heals: time.Minute, failed: none}.restart(t)
	if err != nil || len(resets) != 2 || resets[1] != bmc.PowerOn {
		t.Errorf("a machine that is off: %v, %v", resets, err)
	}
}

func TestTheErrorSaysWhatWasWaitedFor(t *testing.T) {
	broken := "sshd.service"
	two := []statesetter.Member{{Status: "alive", Tags: map[string]string{"uptime": tuesday}}}
	dead := []statesetter.Member{{Status: "left", Tags: map[string]string{"uptime": tuesday}}}
	for title, tt := range map[string]struct {
		life life
		want string
	}{
		"healthy before":      {life{before: monday, after: tuesday, boots: time.Minute, stale: true}, "it has booted, and has not told serf yet which units have failed"},
		"a failed unit":       {life{before: monday, after: tuesday, boots: time.Minute, stale: true, failed: &broken}, "it has booted, and units have failed: sshd.service"},
		"two living members":  {life{before: monday, after: tuesday, boots: time.Minute, stale: true, failed: none, left: two}, "serf has 2 living members with its serial number"},
		"the tag of a dead":   {life{before: monday, after: monday, boots: time.Minute, stale: true, failed: none, left: dead}, "it has not booted"},
		"no boot":             {life{before: monday, after: tuesday}, "serf is busy"},
		"the clock corrected": {life{before: monday, after: "2026-11-30 10:00:01", boots: time.Minute, heals: time.Minute}, `it has not booted: serf has the tag uptime "2026-11-30 10:00:01" as before`},
		"never healthy":       {life{before: monday, after: tuesday, boots: time.Minute, failed: none}, "it has booted, and is unreachable"},
	} {
		_, _, took, err := tt.life.restart(t)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "machine 1: ") || !strings.Contains(err.Error(), "not within 1h0m0s") || took != time.Hour {
			t.Errorf("%s: after %s, %v, want %q", title, took, err, tt.want)
		}
	}
}

func TestWithoutSerfNothingIsRestarted(t *testing.T) {
	m := reboot.Machine{
		Serial:  "1",
		Members: func(context.Context) ([]statesetter.Member, error) { return nil, errors.New("no serf") },
		Reset: func(context.Context, bmc.Reset) error {
			t.Error("restarted")
			return nil
		},
	}
	if err := m.Wait(t.Context()); err == nil || err.Error() != "machine 1: not restarted: no serf" {
		t.Errorf("error %v", err)
	}
}
