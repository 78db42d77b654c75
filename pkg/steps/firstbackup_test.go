package steps

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	componentetcd "github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/membership"
	"github.com/cybozu-go/neco/pkg/worker"
)

// TestANewMemberOfEtcdTakesItsFirstSnapshotAtOnce uses a real etcd whose only member
// votes already, so that promoting it again changes nothing.
func TestANewMemberOfEtcdTakesItsFirstSnapshotAtOnce(t *testing.T) {
	cluster, err := etcd.Start(t.Context(), etcd.Options{Dir: t.TempDir(), Members: 1, NoFsync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	client, err := cluster.Client("/")
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	members, err := membership.Query(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	url := []string{componentetcd.PeerURL(1)}
	if _, err := client.MemberUpdate(t.Context(), members[0].ID, url); err != nil {
		t.Fatal(err)
	}
	units, ch := componenttest.New(t)
	h := NewHost(Options{FS: ch.FS, Units: units, Artifacts: neco.CurrentArtifacts, Etcd: client})
	note, err := h.vote(t.Context(), worker.Target{LRN: 1}, "joined")
	if err != nil || note != "joined" {
		t.Errorf("%q, %v", note, err)
	}
	if diff := cmp.Diff([]string{"start etcd-backup"}, units.Did()); diff != "" {
		t.Error(diff)
	}
	units.Fail = func(string) error { return errors.New("no space left on device") }
	note, err = h.vote(t.Context(), worker.Target{LRN: 1}, "joined")
	if err != nil || !strings.Contains(note, "no space left on device") {
		t.Errorf("a failed snapshot must not fail the step: %q, %v", note, err)
	}
}
