package setup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Position is the progress of a server: it has completed all stages before Stage. If
// Led is true, the leader's part of Stage is completed, too.
type Position struct {
	Stage int  `json:"stage"`
	Led   bool `json:"led,omitempty"`
}

func (p Position) before(q Position) bool {
	return p.Stage < q.Stage || p.Stage == q.Stage && !p.Led && q.Led
}

// peers stores on the leader the last position that each server reported, and why a
// server was refused. A server that is restarted reports the zero Position first.
type peers struct {
	mu      sync.Mutex
	at      map[int]Position
	refused map[int]error
	changed chan struct{}
}

func newPeers() *peers {
	return &peers{at: map[int]Position{}, refused: map[int]error{}, changed: make(chan struct{})}
}

// refuse stores why the server lrn was refused, until arrive deletes that reason. It
// reports whether the reason differs from the stored one.
func (ps *peers) refuse(lrn int, why error) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	was := ps.refused[lrn]
	ps.refused[lrn] = why
	return was == nil || was.Error() != why.Error()
}

// arrive records that the server lrn is at p. Because p comes from that server, arrive
// replaces a negative stage by the first stage.
func (ps *peers) arrive(lrn int, p Position) {
	p.Stage = max(p.Stage, 0)
	ps.mu.Lock()
	defer ps.mu.Unlock()
	delete(ps.refused, lrn)
	if was, ok := ps.at[lrn]; ok && was == p {
		return
	}
	ps.at[lrn] = p
	close(ps.changed)
	ps.changed = make(chan struct{})
}

// of returns the last position that the server lrn reported, or the zero Position.
func (ps *peers) of(lrn int) Position {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.at[lrn]
}

// late returns the servers in lrns that have not reached p, and a channel that is
// closed when the position of a server changes.
func (ps *peers) late(lrns []int, p Position) (late []int, changed <-chan struct{}) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, lrn := range lrns {
		if at, seen := ps.at[lrn]; !seen || at.before(p) {
			late = append(late, lrn)
		}
	}
	return late, ps.changed
}

// await blocks until all servers in lrns have reached p. If ctx ends first, the error
// names the late servers. If the wait lasts longer than hold, await calls say with the
// late servers, and again when these change; say may be nil.
func (ps *peers) await(ctx context.Context, lrns []int, p Position, say func(late []int)) error {
	var told []int
	patient := true
	impatient := time.NewTimer(hold)
	defer impatient.Stop()
	for {
		late, changed := ps.late(lrns, p)
		if len(late) == 0 {
			return nil
		}
		if say != nil && !patient && !slices.Equal(told, late) {
			say(late)
			told = late
		}
		select {
		case <-changed:
		case <-impatient.C:
			patient = false
		case <-ctx.Done():
			return fmt.Errorf("wait for boot server %s: %w", ps.describe(late), context.Cause(ctx))
		}
	}
}

// describe returns a text for operators with the position of each server in lrns, or
// the reason why it was refused.
func (ps *peers) describe(lrns []int) string {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	var parts []string
	for _, lrn := range lrns {
		at, seen := ps.at[lrn]
		refused := ps.refused[lrn]
		switch {
		case refused != nil:
			parts = append(parts, fmt.Sprintf("%d (refused: %v)", lrn, refused))
		case !seen:
			parts = append(parts, fmt.Sprintf("%d (never seen)", lrn))
		case at.Stage < len(table()):
			parts = append(parts, fmt.Sprintf("%d (at %s)", lrn, table()[at.Stage].Name))
		default:
			parts = append(parts, fmt.Sprint(lrn))
		}
	}
	return strings.Join(parts, ", ")
}
