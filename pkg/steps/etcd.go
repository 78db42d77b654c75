package steps

import (
	"context"
	"fmt"
	"os"
	"path"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/membership"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/worker"
)

// notOurs is the note of a step whose program neco setup did not bring here.
const notOurs = "not set up by neco here: left alone"

// managed reports whether etcd and Vault on this host are Neco's: their
// certificates come from neco setup or neco join.
func (h *Host) managed() (bool, error) {
	return h.FS.Exists(neco.EtcdPeerCertFile)
}

// ifManaged leaves hosts alone whose etcd is another's.
func ifManaged(f do) do {
	return func(ctx context.Context, h *Host, t worker.Target) (string, error) {
		if managed, err := h.managed(); err != nil || !managed {
			return notOurs, err
		}
		return f(ctx, h, t)
	}
}

// begun reports whether the member of this host has been started.
func (h *Host) begun() bool {
	_, err := os.Stat(h.FS.Path(memberDir))
	return err == nil
}

// memberDir is what a member makes in its data directory.
var memberDir = path.Join(neco.EtcdDataDir, "member")

// writeEtcd puts the files of a member in place that has begun.  What runs is
// left alone until the last step.
func writeEtcd(ctx context.Context, h *Host, t worker.Target) (string, error) {
	return ifManaged(func(ctx context.Context, h *Host, t worker.Target) (string, error) {
		if err := writeNecoConfig(h, t); err != nil {
			return "", err
		}
		moved, err := etcd.TakeOverBackups(ctx, h.FS, h.Units)
		if err != nil {
			return "", err
		}
		note := ""
		if moved {
			note = "moved the original's backup units away"
		}
		if !h.begun() {
			return note, nil // what it has to be told comes with the join
		}
		_, err = write(etcd.Component{})(ctx, h, t)
		return note, err
	})(ctx, h, t)
}

// writeNecoConfig tells Neco's own programs where etcd is.
func writeNecoConfig(h *Host, t worker.Target) error {
	file, err := etcd.NecoConfig(t.Members)
	if err != nil {
		return err
	}
	_, err = h.FS.Write(file)
	return err
}

// joinEtcd makes this host's etcd a voting member, if it is none.
func joinEtcd(ctx context.Context, h *Host, t worker.Target) (string, error) {
	return ifManaged(join)(ctx, h, t)
}

func join(ctx context.Context, h *Host, t worker.Target) (string, error) {
	own := etcd.PeerURL(t.LRN)
	now, err := membership.Look(ctx, h.Etcd)
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
	if _, err := write(c)(ctx, h, t); err != nil {
		return "", err
	}
	if _, err := apply(c)(ctx, h, t); err != nil {
		return "", err
	}
	return h.vote(ctx, t, "joined")
}

// firstBackupLimit bounds the wait for the first snapshot of a new member, which
// holds the lock of the step meanwhile.  A longer backup goes on by itself.
const firstBackupLimit = time.Minute

// vote makes this host's member a voting one and takes its first snapshot.  A
// failed snapshot is a part of the note, for the timer takes the next one.
func (h *Host) vote(ctx context.Context, t worker.Target, note string) (string, error) {
	if err := promote(ctx, h, t); err != nil {
		return "", err
	}
	t.Tell("the first snapshot of etcd")
	ctx, cancel := context.WithTimeout(ctx, firstBackupLimit)
	defer cancel()
	if err := etcd.Backup(ctx, h.Units); err != nil {
		note += "; no first snapshot of etcd yet: " + err.Error()
	}
	return note, nil
}

// discard deletes what is left of a member's data, unless it is good: a copy of a
// time before this server left, or the rest of lost or corrupt data. A member
// that fails over it again and again is stopped first.
func (h *Host) discard(ctx context.Context, good bool) error {
	if good || !h.begun() {
		return nil
	}
	if err := h.Units.Stop(ctx, neco.EtcdService); err != nil {
		return err
	}
	return h.FS.RemoveDir(memberDir)
}

// promote waits until the learner has caught up: etcd has no event for that.
func promote(ctx context.Context, h *Host, t worker.Target) error {
	return retry.Until(ctx, func() error {
		err := membership.Promote(ctx, h.Etcd, etcd.PeerURL(t.LRN))
		if err != nil {
			t.Tell("%v", err)
		}
		return err
	})
}

// removeMembers takes the members out that are not in the request.
func removeMembers(ctx context.Context, h *Host, t worker.Target) (string, error) {
	removed, err := membership.Remove(ctx, h.Etcd, peerURLs(t))
	if err != nil || len(removed) == 0 {
		return "", err
	}
	return fmt.Sprintf("removed %d members", len(removed)), nil
}

// applyEtcd restarts this host's member if it does not run what is declared,
// and only while all others serve.
func applyEtcd(ctx context.Context, h *Host, t worker.Target) (string, error) {
	return ifManaged(func(ctx context.Context, h *Host, t worker.Target) (string, error) {
		ch, ct, err := h.component(t)
		if err != nil {
			return "", worker.Permanent(err)
		}
		stale, err := component.Stale(ctx, ch, etcd.Component{}, ct)
		if err != nil {
			return "", err
		}
		if stale {
			now, err := membership.Look(ctx, h.Etcd)
			if err != nil {
				return "", err
			}
			if err := now.MayRestart(peerURLs(t)); err != nil {
				return "", err
			}
		}
		return apply(etcd.Component{})(ctx, h, t)
	})(ctx, h, t)
}

func peerURLs(t worker.Target) []string {
	var urls []string
	for _, lrn := range t.Members {
		urls = append(urls, etcd.PeerURL(lrn))
	}
	return urls
}
