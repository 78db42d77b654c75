package simulation

import (
	"errors"
	"fmt"
	"time"

	"github.com/cybozu-go/neco/pkg/update"
)

// start begins an action on the host.
func (s *server) start(d update.Decision) {
	if s.now() < s.retryAt {
		return
	}
	a := s.w.table.Action(d.At)
	s.w.log("worker %d begins %d/%s", s.lrn, d.At.Step, a.Name)
	s.w.checkBegin(s, d.At, a)
	if s.maybeKill(d.At, a, KillBefore) {
		return
	}
	s.m, s.journal = d.Member, d.Member.Stopped
	if s.firstTry < 0 {
		s.firstTry = s.now()
	}
	t := &task{at: d.At, action: a, gen: s.gen}
	s.task = t
	took := s.w.between(5*time.Millisecond, 2*time.Second)
	if s.w.Kill != nil {
		took = s.w.between(5*time.Millisecond, 50*time.Millisecond)
	}
	if s.w.happens(FaultSlow) {
		took = 2 * actionDeadline
	}
	// Half-way, the host is touched.
	s.w.after(took/2, func() { s.onHost(t, s.touch) })
	s.w.after(took, func() {
		s.onHost(t, func(*task) {})
		s.w.resume(&s.process, t.gen, func() {
			if s.task == t {
				s.finishTask(t)
			}
		})
	})
}

// onHost does what an action does to the host, if it still goes on there: the
// host does not stop with a paused worker, but with a killed one.
func (s *server) onHost(t *task, f func(*task)) {
	if s.alive && s.gen == t.gen && s.task == t {
		f(t)
	}
}

// touch is the effect of an action on the host.
func (s *server) touch(t *task) {
	if s.maybeKill(t.at, t.action, KillDuring) {
		return
	}
	switch g := t.action.Stops; {
	case g != "" && s.group[g] != s.version:
		s.stopGroup(g)
	}
	if g := t.action.Starts; g != "" {
		s.startGroup(g, s.version)
	}
}

func (s *server) stopGroup(g string) {
	if s.group[g] == "" {
		return
	}
	if s.old == nil {
		s.old = map[string]string{}
	}
	s.old[g], s.group[g] = s.group[g], ""
	s.w.log("host %d stops %s %s", s.lrn, g, s.old[g])
}

func (s *server) startGroup(g, version string) {
	if s.group[g] != version {
		s.w.log("host %d starts %s %s", s.lrn, g, version)
	}
	s.group[g] = version
	s.w.checkGroup(g)
}

// finishTask is the end of an action that was not cancelled.
func (s *server) finishTask(t *task) {
	if s.maybeKill(t.at, t.action, KillAfter) {
		return
	}
	switch {
	case s.w.happens(FaultRelease):
		s.endTask(update.Result{Err: errors.New("the release is at fault"), Permanent: true, Fault: true})
	case s.w.happens(FaultFail):
		s.endTask(update.Result{Err: errors.New("it failed"), Permanent: s.w.chance(80)})
	case t.at.Step == 0 && t.action.Phase > 0:
		s.install()
		return
	default:
		s.endTask(update.Result{})
		s.effects[s.effect(t.at)] = true
	}
	s.step()
}

func (s *server) effect(p update.Place) string { return fmt.Sprint(s.m.Run, p) }

// endTask takes the result over into the memory and the journal.
func (s *server) endTask(r update.Result) {
	t := s.task
	s.task = nil
	s.m = s.m.Ended(s.w.table, r)
	s.journal = s.m.Stopped
	if r.Err != nil {
		s.w.log("worker %d %d/%s: %v", s.lrn, t.at.Step, t.action.Name, r.Err)
		s.retryAt = s.now() + s.w.between(100*time.Millisecond, 3*time.Second)
	}
}

// install replaces the package, and with it this worker.
func (s *server) install() {
	s.version = s.m.Run.Version
	s.w.log("host %d has installed %s", s.lrn, s.version)
	s.restart(s.w.between(100*time.Millisecond, time.Second))
}

// restart is a kill with what systemd does after it.
func (s *server) restart(after time.Duration) {
	s.alive, s.task = false, nil
	s.gen++
	gen := s.gen
	s.w.after(after, func() {
		if s.gen == gen {
			s.boot()
		}
	})
}

// restore brings a group back.
func (s *server) restore(d update.Decision) {
	version := s.version
	if d.Side == update.SideOld {
		version = s.old[d.Group]
		if s.group[d.Group] != "" {
			version = s.group[d.Group]
		}
	}
	if version != "" {
		s.startGroup(d.Group, version)
	}
	s.m, s.journal = d.Member, d.Member.Stopped
	s.again()
}
