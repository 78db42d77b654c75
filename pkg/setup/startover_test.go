package setup

import (
	"context"
	"errors"
	"testing"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/pkg/setup/meet"
	"github.com/cybozu-go/neco/pkg/stage"
)

// place returns the position at the start of the stage called name.
func place(name stage.Name) Position { return Position{Stage: stages().Index(name)} }

var errNoVault = errors.New("there is no Vault here")

// TestAServerStartsOverWhileTheLeaderGoesOn restarts a server, which repeats the
// requests of earlier stages while the leader drops the CAs and the root token. The
// test needs the race detector.
func TestAServerStartsOverWhileTheLeaderGoesOn(t *testing.T) {
	token := meet.NewToken()
	leader, follower := newRun(t, 0, token), newRun(t, 1, token)
	vault := func(string) (*api.Client, error) { return nil, errNoVault }
	leader.Vault = vault
	if err := makeAuthorities(t.Context(), leader); err != nil {
		t.Fatal(err)
	}
	met(leader, follower, newRun(t, 2, token))
	leader.progress.Facts = leader.state().facts
	leader.change(func(s *state) { s.rootToken = "root" })
	d, q := newHandlers(leader), requests(t, follower)
	d.peers.arrive(0, place(stageForget))
	startOver := func() (sign, login error) {
		if err := ask(t, d, 1, methodHello, greeting{follower.ownFacts(), Position{}}, &struct{}{}); err != nil {
			t.Error(err)
		}
		if err := ask(t, d, 1, methodFacts, follower.ownFacts(), &map[int]Facts{}); err != nil {
			t.Error(err)
		}
		d.peers.arrive(1, place(stageCertificates))
		sign = ask(t, d, 1, methodSign, q, &signed{})
		d.peers.arrive(1, place(stageReissue))
		return sign, ask(t, d, 1, methodCredentials, struct{}{}, &credentials{})
	}
	if sign, login := startOver(); sign != nil || !errors.Is(login, errNoVault) {
		t.Fatalf("%v, %v", sign, login)
	}
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			_, _ = startOver()
			if ctx.Err() != nil {
				return
			}
		}
	}()
	err := forgetAuthorities(ctx, leader)
	leader.change(func(s *state) { s.rootToken = "" })
	cancel()
	<-over
	if err != nil {
		t.Fatal(err)
	}
	if sign, login := startOver(); sign == nil || login == nil || errors.Is(login, errNoVault) {
		t.Errorf("a leader that has neither gives them: %v, %v", sign, login)
	}
}
