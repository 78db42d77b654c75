package control

import (
	"context"
	"slices"
	"time"

	"github.com/cybozu-go/neco/dctest/sandbox"
	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
)

// Status is the state of a sandbox.
type Status struct {
	Dir string `json:"dir"`
	// Etcd lists the URLs of the etcd members that hold Neco's keys.
	Etcd []string `json:"etcd"`
	// EtcdError is why etcd could not be read; then the values that are stored in etcd
	// are missing.
	EtcdError string `json:"etcd_error,omitempty"`
	// Sabakan is the URL of the sabakan of all boot servers.
	Sabakan string `json:"sabakan"`
	// Published lists the versions on the release server, oldest first.
	Published []string `json:"published"`
	// Release is the newest version that the updater has found. Request is the version
	// that the boot servers have to install. Stopped is why the request was stopped;
	// empty if it was not.
	Release string   `json:"release,omitempty"`
	Request string   `json:"request,omitempty"`
	Stopped string   `json:"stopped,omitempty"`
	Servers []Server `json:"servers"`
}

// Server is the state of a boot server.
type Server struct {
	LRN  int    `json:"lrn"`
	Root string `json:"root"`
	Logs string `json:"logs"`
	Cut  bool   `json:"cut"`
	// Left reports whether the boot server is no longer registered.
	Left    bool    `json:"left,omitempty"`
	Worker  Process `json:"worker"`
	Updater Process `json:"updater"`
	// Version is the version of the running worker, as recorded in etcd; empty if no
	// worker is recorded.
	Version string `json:"version,omitempty"`
	// For and the following fields are from the worker's last status; For is the version
	// of the run.
	For     string     `json:"for,omitempty"`
	Step    int        `json:"step"`
	Name    string     `json:"step_name,omitempty"`
	Cond    string     `json:"cond,omitempty"`
	Message string     `json:"message,omitempty"`
	At      *time.Time `json:"at,omitempty"`
}

// Process is the main process of a unit. State is what systemctl is-active prints for the
// unit, or "paused".
type Process struct {
	State string `json:"state"`
	PID   int    `json:"pid,omitempty"`
}

// statusTimeout is how long status tries to read the state from etcd before it sets
// EtcdError. The election of a new leader takes less.
const statusTimeout = 5 * time.Second

// status reads the state of the sandbox from etcd and from the units. If etcd cannot be
// read, the result has EtcdError and the state of the units only.
func status(ctx context.Context, s *sandbox.Sandbox) (*Status, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	st := &Status{Dir: s.Dir(), Etcd: s.Storage().Client().Endpoints(), Sabakan: s.Sabakan(), Published: s.Published()}
	snap, err := snapshot(ctx, s.Storage())
	if err != nil {
		st.EtcdError = errtext.Of(err)
		snap = &storage.Snapshot{}
		snap.Registered = s.Servers() // whether a server has left is unknown
	}
	st.Release = snap.Release
	if r := snap.Request; r != nil {
		st.Request = r.Version
		if r.Stop {
			st.Stopped = r.Reason
		}
	}
	for _, lrn := range s.Servers() {
		srv, err := s.Server(lrn)
		if err != nil {
			return nil, err
		}
		st.Servers = append(st.Servers, describe(s, srv, snap))
	}
	return st, nil
}

// snapshotPoll is the time between two reads from an etcd without a leader.
const snapshotPoll = 200 * time.Millisecond

// snapshot reads the state from etcd. It retries until etcd responds or ctx is done,
// because etcd's leader may be among members that were cut off.
func snapshot(ctx context.Context, store *storage.Storage) (*storage.Snapshot, error) {
	tick := time.NewTicker(snapshotPoll)
	defer tick.Stop()
	for {
		snap, err := store.Snapshot(ctx)
		if err == nil {
			return snap, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-tick.C:
		}
	}
}

func describe(s *sandbox.Sandbox, srv *sandbox.Server, snap *storage.Snapshot) Server {
	d := Server{
		LRN: srv.LRN, Root: srv.Root, Logs: srv.LogDir(), Cut: s.IsCut(srv.LRN),
		Left:    !slices.Contains(snap.Registered, srv.LRN),
		Worker:  process(srv, sandbox.WorkerUnit),
		Updater: process(srv, sandbox.UpdaterUnit),
		Version: snap.Presence[srv.LRN].Version,
	}
	if report, ok := snap.Statuses[srv.LRN]; ok {
		d.For, d.Step, d.Name = report.Version, report.Step, steps.Table().Name(report.Step)
		d.Cond, d.Message, d.At = report.Cond.String(), report.Message, report.At
	}
	return d
}
