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

// Status is how a sandbox is.
type Status struct {
	Dir string `json:"dir"`
	// Etcd are the endpoints that Neco's keys are found at.
	Etcd []string `json:"etcd"`
	// EtcdError is why nothing was read from etcd; then what boot servers have
	// stored there is absent.
	EtcdError string `json:"etcd_error,omitempty"`
	// Published are the versions on the release server, oldest first.
	Published []string `json:"published"`
	// Release is the newest version that the updater knows, Request the one
	// that the boot servers are to run.
	Release string   `json:"release,omitempty"`
	Request string   `json:"request,omitempty"`
	Stopped string   `json:"stopped,omitempty"`
	Servers []Server `json:"servers"`
}

// Server is how a boot server is.
type Server struct {
	LRN  int    `json:"lrn"`
	Root string `json:"root"`
	Logs string `json:"logs"`
	Cut  bool   `json:"cut"`
	// Left says that it is not registered any more.
	Left    bool    `json:"left,omitempty"`
	Worker  Process `json:"worker"`
	Updater Process `json:"updater"`
	// Version is the worker's own, from its sign of life; empty: it gives none.
	Version string `json:"version,omitempty"`
	// The rest is the worker's last report.
	For     string     `json:"for,omitempty"`
	Step    int        `json:"step"`
	Name    string     `json:"step_name,omitempty"`
	Cond    string     `json:"cond,omitempty"`
	Message string     `json:"message,omitempty"`
	At      *time.Time `json:"at,omitempty"`
}

// Process is that of a unit.  Its state is what systemctl is-active prints,
// or paused.
type Process struct {
	State string `json:"state"`
	PID   int    `json:"pid,omitempty"`
}

// statusTimeout bounds the question to etcd: long enough for the election of a new
// leader.
const statusTimeout = 5 * time.Second

// status asks etcd and the units. Where too many servers are cut off for etcd to
// answer, it has the rest.
func status(ctx context.Context, s *sandbox.Sandbox) (*Status, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	st := &Status{Dir: s.Dir(), Etcd: s.Storage().Client().Endpoints(), Published: s.Published()}
	snap, err := snapshot(ctx, s.Storage())
	if err != nil {
		st.EtcdError = errtext.Of(err)
		snap = &storage.Snapshot{}
		snap.Registered = s.Servers() // whether one has left is unknown
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

// snapshotPoll is the pause between two questions to an etcd without a leader.
const snapshotPoll = 200 * time.Millisecond

// snapshot asks until there is an answer, or ctx is done: members that are cut
// off take their leader with them.
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
