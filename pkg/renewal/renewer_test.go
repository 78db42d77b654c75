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
		// They are renewed at two thirds, so every 40 s, and up to 5 % later.
		for name, n := range l.signed {
			if n < 6 || n > 8 {
				t.Errorf("%s: signed %d times in 5 minutes", name, n)
			}
		}
		if len(l.signed) != len(renewal.Standing()) || len(l.reloadedUnlocked) > 0 || l.lastReport() != nil {
			t.Errorf("signed %v, reloaded without the lock %v, reported %v", l.signed, l.reloadedUnlocked, l.lastReport())
		}
	})
}

func TestALongLifeIsLookedAtSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.life = pki.ServerValidity
		l.install(renewal.Standing()...)
		time.Sleep(59 * 24 * time.Hour)
		l.start()
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		l.set(func() {
			if len(l.signed) != 0 || l.held != 0 {
				t.Errorf("signed %v, lock held %d times", l.signed, l.held)
			}
		})
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if l.signed[program.Neco] != 1 || l.signed[pki.Server] != 0 || l.held != 1 {
			t.Errorf("after 60 days: signed %v, lock held %d times", l.signed, l.held)
		}
	})
}

func TestALoginIsRepeatedWhileVaultIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.install(renewal.Standing()...)
		l.down = errors.New("sealed")
		l.start()
		time.Sleep(50 * time.Second)
		if err := l.lastReport(); !errors.Is(err, l.down) {
			t.Errorf("reported %v", err)
		}
		l.set(func() { l.down = nil })
		time.Sleep(8 * time.Second) // after that, two seconds are left
		synctest.Wait()
		if bad := l.bad(); len(bad) > 0 || l.signed[program.Neco] != 1 || l.lastReport() != nil {
			t.Errorf("%v do not serve; signed %v, reported %v", bad, l.signed, l.lastReport())
		}
	})
}

func TestAnExpiredCertificateIsRenewedWithoutTheLock(t *testing.T) {
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
		if err := l.lastReport(); err != nil {
			t.Errorf("in an update: reported %v", err)
		}
		time.Sleep(35 * time.Second)
		synctest.Wait()
		if bad := l.bad(); !slices.Equal(bad, []string{program.Sabakan}) {
			t.Errorf("%v do not serve", bad)
		}
		l.set(func() {
			if slices.Contains(l.reloadedUnlocked, program.Sabakan) {
				t.Error("a program is restarted in an update")
			}
			l.busy = nil
		})
		time.Sleep(time.Minute)
		synctest.Wait()
		if bad := l.bad(); len(bad) > 0 || !slices.Contains(l.reloaded, program.Sabakan) {
			t.Errorf("%v do not serve, reloaded %v", bad, l.reloaded)
		}
	})
}

func TestAFailedReloadIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.install(renewal.Standing()...)
		l.reloadError = errors.New("docker is away")
		l.start()
		time.Sleep(45 * time.Second)
		if err := l.lastReport(); !errors.Is(err, l.reloadError) {
			t.Errorf("reported %v", err)
		}
		l.set(func() { l.reloadError = nil; l.life = pki.ServerValidity })
		time.Sleep(time.Hour)
		synctest.Wait()
		if !slices.Contains(l.reloaded, pki.Server) || l.lastReport() != nil {
			t.Errorf("reloaded %v, reported %v", l.reloaded, l.lastReport())
		}
	})
}

func TestAnInstallationThatWasCutOffIsFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		l.life = pki.ServerValidity
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
		if l.held != 0 || len(l.reports) != 0 {
			t.Errorf("lock held %d times, reported %v", l.held, l.reports)
		}
	})
}
