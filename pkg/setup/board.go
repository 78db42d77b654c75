package setup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Position is how far a server has come: all stages before Stage are done, and,
// where Led, the leader's part of Stage is too.
type Position struct {
	Stage int  `json:"stage"`
	Led   bool `json:"led,omitempty"`
}

func (p Position) before(q Position) bool {
	return p.Stage < q.Stage || p.Stage == q.Stage && !p.Led && q.Led
}

// board is where the leader keeps how far everybody has come.  A server that
// starts over is back at its beginning.
type board struct {
	mu      sync.Mutex
	at      map[int]Position
	refused map[int]error
	changed chan struct{}
}

func newBoard() *board {
	return &board{at: map[int]Position{}, refused: map[int]error{}, changed: make(chan struct{})}
}

// refuse remembers why lrn cannot arrive, and says whether that is news.
func (b *board) refuse(lrn int, why error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.refused[lrn]
	b.refused[lrn] = why
	return was == nil || was.Error() != why.Error()
}

// arrive records that lrn is at p.  A server says it of itself: what is before the
// beginning is the beginning.
func (b *board) arrive(lrn int, p Position) {
	p.Stage = max(p.Stage, 0)
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.refused, lrn)
	if was, ok := b.at[lrn]; ok && was == p {
		return
	}
	b.at[lrn] = p
	close(b.changed)
	b.changed = make(chan struct{})
}

// of returns where lrn is; the beginning if it was not heard of.
func (b *board) of(lrn int) Position {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at[lrn]
}

// late returns those of lrns that are not at p yet, and what is closed when that
// may have changed.
func (b *board) late(lrns []int, p Position) (late []int, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, lrn := range lrns {
		if at, seen := b.at[lrn]; !seen || at.before(p) {
			late = append(late, lrn)
		}
	}
	return late, b.changed
}

// await blocks until all lrns are at p, or ctx ends; the error names whom it
// waited for.  say is told who is late when that has taken a while, and each
// time that it changes from then on.
func (b *board) await(ctx context.Context, lrns []int, p Position, say func(late []int)) error {
	var told []int
	patient := true
	impatient := time.NewTimer(hold)
	defer impatient.Stop()
	for {
		late, changed := b.late(lrns, p)
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
			return fmt.Errorf("wait for boot server %s: %w", b.describe(late), context.Cause(ctx))
		}
	}
}

// describe says where each of lrns is.
func (b *board) describe(lrns []int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var parts []string
	for _, lrn := range lrns {
		at, seen := b.at[lrn]
		refused := b.refused[lrn]
		switch {
		case refused != nil:
			parts = append(parts, fmt.Sprintf("%d (refused: %v)", lrn, refused))
		case !seen:
			parts = append(parts, fmt.Sprintf("%d (not heard of)", lrn))
		case at.Stage < len(table()):
			parts = append(parts, fmt.Sprintf("%d (at %s)", lrn, table()[at.Stage].Name))
		default:
			parts = append(parts, fmt.Sprint(lrn))
		}
	}
	return strings.Join(parts, ", ")
}
