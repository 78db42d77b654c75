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
	changed chan struct{}
}

func newBoard() *board {
	return &board{at: map[int]Position{}, changed: make(chan struct{})}
}

// arrive records that lrn is at p.
func (b *board) arrive(lrn int, p Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
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

// late returns those of lrns that are not at p yet, with where they are; and
// what is closed when that may have changed.
func (b *board) late(lrns []int, p Position) (late []int, where map[int]Position, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	where = map[int]Position{}
	for _, lrn := range lrns {
		at, seen := b.at[lrn]
		if !seen || at.before(p) {
			late = append(late, lrn)
		}
		if seen {
			where[lrn] = at
		}
	}
	return late, where, b.changed
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
		late, where, changed := b.late(lrns, p)
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
			return fmt.Errorf("wait for boot server %s: %w", describe(late, where), context.Cause(ctx))
		}
	}
}

func describe(late []int, where map[int]Position) string {
	var parts []string
	for _, lrn := range late {
		at, seen := where[lrn]
		switch {
		case !seen:
			parts = append(parts, fmt.Sprintf("%d (not heard of)", lrn))
		case at.Stage < len(table()):
			parts = append(parts, fmt.Sprintf("%d (at %s)", lrn, table()[at.Stage].name))
		default:
			parts = append(parts, fmt.Sprint(lrn))
		}
	}
	return strings.Join(parts, ", ")
}
