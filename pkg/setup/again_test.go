package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/setup/meet"
	"github.com/cybozu-go/neco/pkg/stage"
)

// TestALeaderThatIsStartedAgainMakesNoOtherAuthorities restarts a leader that may have
// been killed at any moment after it removed the CAs from the disk.
func TestALeaderThatIsStartedAgainMakesNoOtherAuthorities(t *testing.T) {
	for _, done := range []stage.Name{stageReissue, stageForget, stageRegister, stageRevoke} {
		t.Run("done: "+done.String(), func(t *testing.T) {
			r := newRun(t, 0, meet.NewToken())
			if err := makeAuthorities(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if err := forgetAuthorities(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			r.progress.Done = done
			for _, did := range []stage.Name{stageMeet, stageImages} {
				if err := r.runner().Record(t.Context(), did); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			if r.progress, err = loadProgress(r.FS); err != nil || r.progress.Done != done {
				t.Errorf("%+v, %v", r.progress, err)
			}
			if err := makeAuthorities(t.Context(), r); err != nil || r.state().authorities != nil {
				t.Errorf("made again after they have moved: %v", err)
			}
			if _, err := r.FS.Read(authoritiesFile); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("on the disk: %v", err)
			}
		})
	}
}

func TestATryThatGoesOnHasTheFlagsOfTheFirst(t *testing.T) {
	const one, other = "age1one", "age1other"
	for name, c := range map[string]struct {
		done     stage.Name
		was, is  flags
		accepted bool
	}{
		"none, none":                 {stagePKI, flags{}, flags{}, true},
		"the same":                   {stagePKI, flags{"http://a", []string{one}, true, "/pw"}, flags{"http://a", []string{one}, true, "/pw"}, true},
		"a recipient is left out":    {stageImages, flags{Recovery: []string{one}}, flags{}, false},
		"the proxy is left out":      {stageImages, flags{Proxy: "http://a"}, flags{}, false},
		"--no-revoke is left out":    {stageImages, flags{NoRevoke: true}, flags{}, false},
		"a recipient comes early":    {stageUsers, flags{}, flags{Recovery: []string{one}}, true},
		"another one comes early":    {stageImages, flags{Recovery: []string{one}}, flags{Recovery: []string{other}}, true},
		"a recipient comes late":     {stageVault, flags{}, flags{Recovery: []string{one}}, false},
		"another one comes late":     {stageUnseal, flags{Recovery: []string{one}}, flags{Recovery: []string{other}}, false},
		"--no-revoke comes late":     {stagePKI, flags{}, flags{NoRevoke: true}, false},
		"another password":           {stagePKI, flags{Proxy: "http://u:one@a"}, flags{Proxy: "http://u:other@a"}, false},
		"a proxy comes early":        {stageImages, flags{}, flags{Proxy: "http://a"}, true},
		"a file comes, proxy leaves": {stageImages, flags{Proxy: "http://a"}, flags{AdminPasswordFile: "/pw"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, 0, meet.NewToken())
			r.progress.Done, r.progress.Flags = c.done, c.was
			r.Proxy, r.Recovery, r.NoRevoke, r.AdminPasswordFile = c.is.Proxy, c.is.Recovery, c.is.NoRevoke, c.is.AdminPasswordFile
			err := r.sameFlags()
			if (err == nil) != c.accepted {
				t.Errorf("error %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), c.was.String()) {
				t.Errorf("%v does not name %s", err, c.was)
			}
			if err != nil && strings.Contains(err.Error(), "u:one") {
				t.Errorf("%v shows the password of the proxy", err)
			}
		})
	}
}

func TestACheckInBetweenWantsTheFlagsOfTheFirstToo(t *testing.T) {
	r := newRun(t, 0, meet.NewToken())
	if err := (&progress{LRNs: r.LRNs, Done: stageImages, Flags: flags{NoRevoke: true}}).save(r.FS); err != nil {
		t.Fatal(err)
	}
	r.CheckOnly = true
	if err := r.begin(t.Context()); err == nil || !strings.Contains(err.Error(), "--no-revoke") {
		t.Errorf("error %v", err)
	}
}

func TestASecondSetupSaysThatOneRuns(t *testing.T) {
	r := newRun(t, 0, meet.NewToken())
	release, err := r.FS.Lock(t.Context(), lockFile)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if err := Run(t.Context(), r.Options); !errors.Is(err, ErrRuns) {
		t.Errorf("error %v", err)
	}
}

// silentLink is a link that fails the test if a request is sent to the leader.
type silentLink struct {
	link
	t *testing.T
}

func (l silentLink) call(_ context.Context, method string, _, _ any) error {
	l.t.Error("the leader is asked for " + method)
	return errors.New("asked")
}

// TestAVaultThatIsAwaySaysNothingOfCredentials uses an address of Vault at which
// nothing listens.
func TestAVaultThatIsAwaySaysNothingOfCredentials(t *testing.T) {
	r := newRun(t, 1, meet.NewToken())
	r.change(func(s *state) { s.facts = map[int]Facts{1: r.ownFacts()} })
	ca, err := pki.NewCA(pki.ServerCA, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	write(t, r.FS, pki.ServerCA.File(), string(ca.CertPEM()))
	write(t, r.FS, renewal.CredentialsFile, `{"role_id":"r","secret_id":"s"}`)
	r.link = silentLink{t: t}
	if _, err := r.logIn(t.Context()); !retry.MayPass(err) {
		t.Errorf("error %v", err)
	}
}

func TestARequestThatIsSentAgainTellsTheTimeOfThen(t *testing.T) {
	r := newRun(t, 1, meet.NewToken())
	now := time.Now()
	r.Now = func() time.Time { return now }
	in := factsNow(r.ownFacts)
	first, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(20 * time.Second)
	second, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var f Facts
	if err := json.Unmarshal(second, &f); err != nil || !f.Time.Equal(now) || bytes.Equal(first, second) {
		t.Errorf("%+v, %v", f, err)
	}
}
