package steps

import (
	"context"
	"fmt"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/membership"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/worker"
)

// takeOver is an action: it writes the file with which Neco's own programs connect to
// etcd, and renames the backup units of cybozu-go/neco, which this Neco replaces.
func takeOver(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	file, err := etcd.NecoConfig(t.Members)
	if err != nil {
		return "", err
	}
	if _, err := h.FS.Write(file); err != nil {
		return "", err
	}
	moved, err := etcd.TakeOverBackups(ctx, h.FS, h.Units)
	if err != nil || !moved {
		return "", err
	}
	return "moved the original's backup units away", nil
}

// joinEtcd is an action: it makes the etcd of this host a voting member of the cluster.
// It first replaces this host's member if the member's data is lost or does not belong
// to the current membership.
func joinEtcd(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	own := etcd.PeerURL(t.LRN)
	now, err := membership.Query(ctx, h.Etcd)
	if err != nil {
		return "", err
	}
	m, listed := now.Find(own)
	hasData := m.Healthy
	if !hasData {
		if hasData, err = etcd.HasData(h.FS.Path(neco.EtcdDataDir)); err != nil {
			return "", err
		}
	}
	if listed && m.Name != "" && hasData {
		if !m.Learner {
			return "", nil
		}
		return h.vote(ctx, t, "promoted")
	}
	now, err = membership.Add(ctx, h.Etcd, own, peerURLs(t), !hasData)
	if err != nil {
		return "", err
	}
	if err := h.discard(ctx, listed && hasData); err != nil {
		return "", err
	}
	c := etcd.Component{Initial: now.Initial(etcd.MemberName(t.LRN), own)}
	if _, err := write(ctx, h, c, t); err != nil {
		return "", err
	}
	if _, err := apply(ctx, h, c, t); err != nil {
		return "", err
	}
	return h.vote(ctx, t, "joined")
}

// firstBackupLimit is how long a new member waits, while holding the lock, for its
// first snapshot. A snapshot that takes longer continues in its own service.
const firstBackupLimit = time.Minute

// vote makes this host's etcd member a voting member and takes its first snapshot. It
// returns note as the text for the status, with the error if the snapshot failed; the
// backup timer then takes the next snapshot.
func (h *Host) vote(ctx context.Context, t worker.Target, note string) (string, error) {
	if err := promote(ctx, h, t); err != nil {
		return "", err
	}
	t.Report("the first snapshot of etcd")
	ctx, cancel := context.WithTimeout(ctx, firstBackupLimit)
	defer cancel()
	if err := etcd.Backup(ctx, h.Units); err != nil {
		note += "; no first snapshot of etcd yet: " + err.Error()
	}
	return note, nil
}

// discard stops etcd and deletes the data of this host's member, unless good is true or
// the member was never started. Data is not good if it is from an earlier membership or
// damaged. systemd would keep restarting a member that fails on its data.
func (h *Host) discard(ctx context.Context, good bool) error {
	started, err := etcd.Started(h.FS)
	if good || err != nil || !started {
		return err
	}
	if err := h.Units.Stop(ctx, neco.EtcdService); err != nil {
		return err
	}
	return h.FS.RemoveDir(etcd.MemberDir)
}

// promote makes the learner of this host a voting member. It retries until the learner
// has caught up with the leader, because etcd sends no event for that.
func promote(ctx context.Context, h *Host, t worker.Target) error {
	return retry.Until(ctx, func() error {
		err := membership.Promote(ctx, h.Etcd, etcd.PeerURL(t.LRN))
		if err != nil {
			t.Report("%v", err)
		}
		return err
	})
}

// removeMembers is an action: it removes from the etcd cluster the members whose boot
// servers are not in the request.
func removeMembers(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	removed, err := membership.Remove(ctx, h.Etcd, peerURLs(t))
	if err != nil || len(removed) == 0 {
		return "", err
	}
	return fmt.Sprintf("removed %d members", len(removed)), nil
}

// restartEtcd is an action: it restarts this host's etcd member unless it already runs
// with the image and the files that the update requires. It returns an error if a
// restart is due while another member is not healthy.
func restartEtcd(ctx context.Context, h *Host, c component.Component, t worker.Target) (string, error) {
	ch, ct, err := h.component(ctx, c, t)
	if err != nil {
		return "", err
	}
	changes, err := component.Changes(ctx, ch, c, ct)
	if err != nil {
		return "", err
	}
	if len(changes) > 0 {
		now, err := membership.Query(ctx, h.Etcd)
		if err != nil {
			return "", err
		}
		if err := now.MayRestart(peerURLs(t)); err != nil {
			return "", err
		}
	}
	return apply(ctx, h, c, t)
}

func peerURLs(t worker.Target) []string {
	var urls []string
	for _, lrn := range t.Members {
		urls = append(urls, etcd.PeerURL(lrn))
	}
	return urls
}
