package setup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

// newRun returns a run on the boot server lrn, whose files are in a temporary
// directory.
func newRun(t *testing.T, lrn int, token meet.Token) *run {
	t.Helper()
	fsys := host.FS{Root: t.TempDir()}
	bastion := netip.AddrFrom4([4]byte{10, 72, 48, byte(lrn)})
	r := newSetup(Options{
		LRN: lrn, LRNs: []int{0, 1, 2}, Version: "2026.11.21-1", HostName: "boot-" + string(rune('0'+lrn)),
		Out: &transcript{}, Now: time.Now,
		Host: Host{FS: fsys, Addresses: func() (map[string][]netip.Addr, error) {
			return map[string][]netip.Addr{"bastion": {bastion}}, nil
		}},
	})
	r.token, r.progress = token, &progress{LRNs: []int{0, 1, 2}}
	write(t, fsys, neco.ClusterFile, "dev\n")
	return r
}

func write(t *testing.T, fsys host.FS, path, text string) {
	t.Helper()
	if _, err := fsys.Write(host.File{Path: path, Data: []byte(text), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
}

// met gives each run the facts of all servers.
func met(all ...*run) {
	facts := map[int]Facts{}
	for _, r := range all {
		facts[r.LRN] = r.ownFacts()
	}
	for _, r := range all {
		r.change(func(s *state) { s.facts = facts })
	}
}

// ask sends a request of the server lrn to the leader's handlers.
func ask(t *testing.T, d *handlers, lrn int, method string, in, out any) error {
	t.Helper()
	return askUntil(t.Context(), d, lrn, method, in, out)
}

func askUntil(ctx context.Context, d *handlers, lrn int, method string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	a, err := d.handle(ctx, lrn, method, body)
	if err != nil {
		return err
	}
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, out)
}

// requests returns the certificate requests of the server of r.
func requests(t *testing.T, r *run) signing {
	t.Helper()
	q := signing{Requests: map[string]string{}}
	for _, p := range renewal.Standing() {
		key, err := pki.Pending(r.FS, p)
		if err != nil {
			t.Fatal(err)
		}
		request, err := p.Request(key, r.subject(r.LRN))
		if err != nil {
			t.Fatal(err)
		}
		q.Requests[p.Name] = string(request)
	}
	return q
}

func TestTheLeaderSignsForEachServerItsOwnNamesOnly(t *testing.T) {
	token := meet.NewToken()
	leader := newRun(t, 0, token)
	if err := makeAuthorities(t.Context(), leader); err != nil {
		t.Fatal(err)
	}
	members := map[int]*run{0: leader, 1: newRun(t, 1, token), 2: newRun(t, 2, token)}
	met(leader, members[1], members[2])
	d := newHandlers(leader)
	d.peers.arrive(0, Position{Stage: slices.Index(Stages(), "certificates")})
	follower := members[1]
	q := requests(t, follower)
	var s signed
	if err := ask(t, d, 1, methodSign, q, &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Certificates) != len(renewal.Standing()) || len(s.Authorities) != 3 {
		t.Errorf("%d certificates of %d authorities", len(s.Certificates), len(s.Authorities))
	}
	for _, pem := range s.Authorities {
		if strings.Contains(pem, "PRIVATE KEY") {
			t.Error("a key of an authority travels")
		}
	}
	if err := ask(t, d, 2, methodSign, q, &s); !errors.Is(err, pki.ErrCSRRefused) {
		t.Errorf("boot server 2 with the requests of 1: %v", err)
	}
	if err := ask(t, d, 1, "no such method", struct{}{}, &struct{}{}); err == nil {
		t.Error("an unknown method is answered")
	}
	if _, err := d.handle(t.Context(), 1, methodSign, json.RawMessage(`{"requests": 7}`)); err == nil {
		t.Error("a malformed request is answered")
	}
}

func TestAuthoritiesAreSealedAtRestAndTakenUpAgain(t *testing.T) {
	token := meet.NewToken()
	r := newRun(t, 0, token)
	if err := makeAuthorities(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	first := string(r.state().authorities[pki.ServerCA].CertPEM())
	data, err := r.FS.Read(authoritiesFile)
	if err != nil || bytes.Contains(data, []byte("PRIVATE")) || bytes.Contains(data, []byte("CERTIFICATE")) {
		t.Errorf("in clear, or %v", err)
	}
	info, err := os.Stat(r.FS.Path(authoritiesFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	r.change(func(s *state) { s.authorities = nil })
	if err := makeAuthorities(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, string(r.state().authorities[pki.ServerCA].CertPEM())); diff != "" {
		t.Errorf("created again: %s", diff)
	}
	r.token = meet.NewToken()
	if err := makeAuthorities(t.Context(), r); err == nil || !strings.Contains(err.Error(), "token of the first attempt") {
		t.Errorf("with another token: %v", err)
	}
	if err := forgetAuthorities(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if _, err := r.FS.Read(authoritiesFile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still on the disk: %v", err)
	}
	r.progress.Done = stageForget
	if err := makeAuthorities(t.Context(), r); err != nil || r.state().authorities != nil {
		t.Errorf("made again after they have moved: %v", err)
	}
}

// TestAServerThatIsNowhereIsAtTheBeginning checks that a negative position, as reported
// by a server, does not crash the leader.
func TestAServerThatIsNowhereIsAtTheBeginning(t *testing.T) {
	leader := newRun(t, 0, meet.NewToken())
	d := newHandlers(leader)
	d.peers.arrive(0, place(stageImages))
	at := greeting{newRun(t, 1, leader.token).ownFacts(), Position{Stage: -7}}
	if err := ask(t, d, 1, methodHello, at, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	if where := d.peers.describe([]int{1}); where != "1 (at preflight)" {
		t.Error(where)
	}
	if err := ask(t, d, 1, methodSign, signing{}, &signed{}); err == nil {
		t.Error("certificates without authorities")
	}
}

func TestTheHandlersReportWhichServersAreLate(t *testing.T) {
	leader := newRun(t, 0, meet.NewToken())
	d := newHandlers(leader)
	d.peers.arrive(0, Position{Stage: 5})
	d.peers.arrive(2, Position{Stage: 5})
	var a waited
	if err := ask(t, d, 1, methodAwait, awaiting{At: Position{Stage: 5}}, &a); err != nil || len(a.Late) != 0 {
		t.Errorf("nobody is late: %+v, %v", a, err)
	}
	if err := ask(t, d, 1, methodAwait, awaiting{At: Position{Stage: 5}, Led: true}, &a); err != nil || !cmp.Equal(a.Late, []int{0}) {
		t.Errorf("the leader has not done its part: %+v, %v", a, err)
	}
	if err := ask(t, d, 1, methodAwait, awaiting{At: Position{Stage: 6}}, &a); err != nil || !cmp.Equal(a.Late, []int{2}) {
		t.Errorf("2 is late: %+v, %v", a, err)
	}
}

func TestALeaderThatWasStartedAgainLearnsWhoThereIsFromThoseThatAreAhead(t *testing.T) {
	token := meet.NewToken()
	leader := newRun(t, 0, token)
	d := newHandlers(leader)
	for _, lrn := range []int{1, 2} {
		if err := ask(t, d, lrn, methodHello, greeting{Facts: newRun(t, lrn, token).ownFacts()}, &struct{}{}); err != nil {
			t.Fatal(err)
		}
	}
	all := map[int]Facts{}
	if err := ask(t, d, 0, methodFacts, leader.ownFacts(), &all); err != nil || len(all) != 3 {
		t.Errorf("%d servers, %v", len(all), err)
	}
}

func TestALeaderThatWasStartedAgainServesWhoIsAheadOnceItHasCaughtUp(t *testing.T) {
	synctest.Test(t, servesOnceCaughtUp)
}

func servesOnceCaughtUp(t *testing.T) {
	token := meet.NewToken()
	leader, follower := newRun(t, 0, token), newRun(t, 1, token)
	met(leader, follower)
	d := newHandlers(leader)
	d.peers.arrive(0, Position{})
	at := Position{Stage: slices.Index(Stages(), "certificates")}
	if err := ask(t, d, 1, methodHello, greeting{follower.ownFacts(), at}, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	if late, _ := d.peers.late([]int{1}, at); len(late) > 0 {
		t.Error("the leader has not stored the position in the hello")
	}
	asked := make(chan error, 1)
	go func() { asked <- ask(t, d, 1, methodSign, signing{}, &signed{}) }()
	synctest.Wait()
	select {
	case err := <-asked:
		t.Fatalf("answered by a leader that has no authorities yet: %v", err)
	default:
	}
	if err := makeAuthorities(t.Context(), leader); err != nil {
		t.Fatal(err)
	}
	d.peers.arrive(0, at)
	if err := <-asked; err != nil {
		t.Error(err)
	}
}

func TestALeaderThatStartsOverDoesNotWaitForThoseThatAreDone(t *testing.T) {
	leader := newRun(t, 0, meet.NewToken())
	leader.progress.Facts = map[int]Facts{0: facts("boot-0"), 1: facts("boot-1"), 2: facts("boot-2")}
	if err := leader.progress.save(leader.FS); err != nil {
		t.Fatal(err)
	}
	known, err := loadProgress(leader.FS)
	if err != nil {
		t.Fatal(err)
	}
	leader.progress = known
	d := newHandlers(leader)
	all := map[int]Facts{}
	if err := ask(t, d, 0, methodFacts, leader.ownFacts(), &all); err != nil || all[2].HostName != "boot-2" {
		t.Errorf("%v, %v", all, err)
	}
}

func TestAServerThatDoesNotFitIsRefusedByTheLeader(t *testing.T) {
	leader := newRun(t, 0, meet.NewToken())
	d := newHandlers(leader)
	f := leader.ownFacts()
	f.HostName, f.Version = "boot-1", "2026.11.20-1"
	for range 2 { // a repeated attempt is refused, too
		if err := ask(t, d, 1, methodFacts, f, &map[int]Facts{}); err == nil || !strings.Contains(err.Error(), "2026.11.20-1") {
			t.Error(err)
		}
	}
	if where := d.peers.describe([]int{1}); !strings.Contains(where, "1 (refused: ") || !strings.Contains(where, "2026.11.20-1") {
		t.Error(where)
	}
	if n := strings.Count(said(leader), "refused boot server 1: "); n != 1 {
		t.Errorf("said %d times: %s", n, said(leader))
	}
}

// transcript records the output of a run.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func said(r *run) string {
	s := r.Out.(*transcript)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func TestTheOperatorSeesWhoCameAndWent(t *testing.T) {
	leader := newRun(t, 0, meet.NewToken())
	d := newHandlers(leader)
	d.peers.arrive(1, Position{Stage: 3})
	d.peers.arrive(2, Position{Stage: len(table())})
	for _, e := range []meet.Event{
		{Kind: meet.Connected, LRN: 1},
		{Kind: meet.Gone, LRN: 1, Err: io.EOF},
		{Kind: meet.Gone, LRN: 2, Err: io.EOF},
		{Kind: meet.Refused, LRN: 1, Err: meet.OtherServers},
		{Kind: meet.Refused, LRN: meet.UnknownServer, Addr: netip.MustParseAddr("192.0.2.1"), Err: meet.WrongAddress},
	} {
		d.printEvent(e)
	}
	var got []string
	for line := range strings.Lines(said(leader)) {
		got = append(got, strings.TrimSpace(line[len("15:04:05  "):]))
	}
	want := []string{
		"meet          boot server 1 is connected",
		"meet          boot server 1 is disconnected",
		"meet          refused boot server 1: " + meet.OtherServers.Error(),
		"meet          refused a client at 192.0.2.1, which is not the address of a boot server: " + meet.WrongAddress.Error(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
