package setup

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

// serveAt starts the request handlers d of the leader at a local address, for boot
// server 1.
func serveAt(t *testing.T, leader *run, d *handlers, addr string) (stop func(), at netip.AddrPort) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	at = netip.MustParseAddrPort(l.Addr().String())
	if err := leader.FS.MakeDir(host.Dir{Path: Dir, Mode: 0o700}); err != nil {
		t.Fatal(err)
	}
	own := leader.serve(t.Context(), d, l, map[int][]netip.Addr{1: {at.Addr()}})
	return own.close, at
}

// linkTo returns the link of the server follower to the leader at the address leader.
func linkTo(t *testing.T, follower *run, leader netip.AddrPort) *remoteLink {
	t.Helper()
	key, err := pki.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	l := newRemoteLink(follower, key, netip.Addr{}, leader)
	t.Cleanup(l.close)
	return l
}

// texts returns the lines that the run r has printed, without their times.
func texts(r *run) (all []string) {
	for line := range strings.Lines(said(r)) {
		all = append(all, strings.TrimSpace(line[len("15:04:05  "):]))
	}
	return all
}

func TestAServerOfAnotherVersionIsRefusedOnTheChannel(t *testing.T) {
	token := meet.NewToken()
	leader, follower := newRun(t, 0, token), newRun(t, 1, token)
	follower.Version = "2026.11.20-1"
	stop, at := serveAt(t, leader, newHandlers(leader), "127.0.0.1:0")
	err := linkTo(t, follower, at).call(t.Context(), methodFacts, factsNow(follower.ownFacts), &map[int]Facts{})
	const why = "it has neco 2026.11.20-1, the leader 2026.11.21-1; install the same package on all"
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Error(err)
	}
	stop()
	if got := strings.Join(texts(leader), "\n"); !strings.Contains(got, "refused boot server 1: "+why) {
		t.Error(got)
	}
}

func TestAServerWithAnotherTokenIsRefusedOnTheChannel(t *testing.T) {
	leader, follower := newRun(t, 0, meet.NewToken()), newRun(t, 1, meet.NewToken())
	stop, at := serveAt(t, leader, newHandlers(leader), "127.0.0.1:0")
	err := linkTo(t, follower, at).call(t.Context(), methodFacts, factsNow(follower.ownFacts), &map[int]Facts{})
	if err == nil || err.Error() != "meet leader: "+meet.WrongToken.Error() {
		t.Error(err)
	}
	// The connection may end after the client has its answer.
	for deadline := time.Now().Add(time.Minute); len(texts(leader)) == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	stop()
	if got := texts(leader); len(got) != 1 || got[0] != "meet          refused boot server 1: "+meet.WrongToken.Error() {
		t.Errorf("%q", got)
	}
}

// TestAFollowerFindsALeaderThatWasStartedAgain checks that the follower reports its
// position to the restarted leader before it sends any other request.
func TestAFollowerFindsALeaderThatWasStartedAgain(t *testing.T) {
	token := meet.NewToken()
	leader, follower := newRun(t, 0, token), newRun(t, 1, token)
	d := newHandlers(leader)
	d.peers.arrive(0, place(stageVault))
	d.peers.arrive(2, place(stageVault))
	stop, at := serveAt(t, leader, d, "127.0.0.1:0")
	l := linkTo(t, follower, at)
	if err := l.await(t.Context(), place(stageVault), false, nil); err != nil {
		t.Fatal(err)
	}
	stop()
	asked := make(chan error, 1)
	go func() { asked <- l.call(t.Context(), methodSign, signing{}, &signed{}) }()
	const waits = "meet          waits for the leader, boot server 0: start neco setup there"
	for deadline := time.Now().Add(time.Minute); len(texts(follower)) == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	leader = newRun(t, 0, token)
	d = newHandlers(leader)
	d.peers.arrive(0, place(stageVault))
	stop, _ = serveAt(t, leader, d, at.String())
	if err := <-asked; err == nil || !strings.HasPrefix(err.Error(), "leader: sign: ") {
		t.Errorf("the new leader, which has no CAs: %v", err)
	}
	if at := d.peers.of(1); at != place(stageVault) {
		t.Errorf("the follower is at %+v", at)
	}
	stop()
	if got := texts(follower); len(got) != 1 || got[0] != waits {
		t.Errorf("follower: %q", got)
	}
	if got := texts(leader); len(got) != 1 || got[0] != "meet          boot server 1 is connected" {
		t.Errorf("leader: %q", got)
	}
}
