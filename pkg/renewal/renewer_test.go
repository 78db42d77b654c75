package renewal_test

import (
	"errors"
	"io/fs"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/renewal"
)

func TestLeavesOfOneMinuteAreRenewedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.install(renewal.Standing()...)
		l.start()
		for range 5 * 20 {
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if bad := l.bad(); len(bad) > 0 {
				t.Fatalf("%v do not serve", bad)
			}
		}
		// At two thirds, so every 40 s; and a look comes up to 5 % late.
		for name, n := range l.signed {
			if n < 6 || n > 8 {
				t.Errorf("%s: signed %d times in 5 minutes", name, n)
			}
		}
		if len(l.signed) != len(renewal.Standing()) || len(l.toldOutside) > 0 || l.lastPost() != nil {
			t.Errorf("signed %v, told out of turn %v, posted %v", l.signed, l.toldOutside, l.lastPost())
		}
	})
}

func TestALongLifeIsLookedAtSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.life = pki.ServerLife
		l.install(renewal.Standing()...)
		time.Sleep(59 * 24 * time.Hour)
		l.start()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		l.set(func() {
			if len(l.signed) != 0 || l.turns != 0 {
				t.Errorf("signed %v in %d turns", l.signed, l.turns)
			}
		})
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if l.signed[program.Neco] != 1 || l.signed[pki.Server] != 0 || l.turns != 1 {
			t.Errorf("after 60 days: signed %v in %d turns", l.signed, l.turns)
		}
	})
}

func TestAVaultThatIsDownIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.install(renewal.Standing()...)
		l.down = errors.New("sealed")
		l.start()
		time.Sleep(50 * time.Second)
		if err := l.lastPost(); !errors.Is(err, l.down) {
			t.Errorf("posted %v", err)
		}
		l.set(func() { l.down = nil })
		time.Sleep(8 * time.Second) // two seconds are left then
		synctest.Wait()
		if bad := l.bad(); len(bad) > 0 || l.signed[program.Neco] != 1 || l.lastPost() != nil {
			t.Errorf("%v do not serve; signed %v, posted %v", bad, l.signed, l.lastPost())
		}
	})
}

func TestWhatHasExpiredIsRenewedOutOfTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		sabakan := purpose(t, program.Sabakan)
		l.install(append(renewal.Standing(), sabakan)...)
		l.busy = renewal.ErrBusy
		l.start()
		time.Sleep(59 * time.Second)
		synctest.Wait()
		l.set(func() {
			if len(l.signed) != 0 {
				t.Errorf("in an update: signed %v", l.signed)
			}
		})
		if err := l.lastPost(); err != nil {
			t.Errorf("in an update: posted %v", err)
		}
		time.Sleep(35 * time.Second)
		synctest.Wait()
		if bad := l.bad(); !slices.Equal(bad, []string{program.Sabakan}) {
			t.Errorf("%v do not serve", bad)
		}
		l.set(func() {
			if slices.Contains(l.toldOutside, program.Sabakan) {
				t.Error("a program is restarted in an update")
			}
			l.busy = nil
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if bad := l.bad(); len(bad) > 0 || !slices.Contains(l.told, program.Sabakan) {
			t.Errorf("%v do not serve, told %v", bad, l.told)
		}
	})
}

func TestWhoWasNotToldIsToldLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.install(renewal.Standing()...)
		l.tellError = errors.New("docker is away")
		l.start()
		time.Sleep(45 * time.Second)
		if err := l.lastPost(); !errors.Is(err, l.tellError) {
			t.Errorf("posted %v", err)
		}
		l.set(func() { l.tellError = nil; l.life = pki.ServerLife })
		time.Sleep(time.Hour)
		synctest.Wait()
		if !slices.Contains(l.told, pki.Server) || l.lastPost() != nil {
			t.Errorf("told %v, posted %v", l.told, l.lastPost())
		}
	})
}

func TestAnInstallationThatWasCutOffIsFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.life = pki.ServerLife
		l.install(renewal.Standing()...)
		p := purpose(t, program.Backup)
		if err := l.server.FS.Remove(p.Key); err != nil {
			t.Fatal(err)
		}
		l.start()
		synctest.Wait()
		if bad := l.bad(); len(bad) > 0 {
			t.Errorf("%v do not serve", bad)
		}
	})
}

func TestAServerWithoutCertificatesIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		r := l.renewer()
		r.Server = func() (renewal.Server, error) { return renewal.Server{}, fs.ErrNotExist }
		go r.Run(t.Context())
		time.Sleep(24 * time.Hour)
		if l.turns != 0 || len(l.posted) != 0 {
			t.Errorf("%d turns, posted %v", l.turns, l.posted)
		}
	})
}
