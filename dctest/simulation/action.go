package simulation

import (
	"errors"
	"slices"
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
	if a.Stops != "" {
		s.noteStopped(a.Stops)
	}
	if s.firstTry < 0 {
		s.firstTry = s.now()
	}
	s.m.Work = update.Work{State: update.WorkRunning, Attempts: s.m.Work.Attempts + 1}
	t := &task{at: d.At, action: a, gen: s.gen}
	s.task = t
	took := s.w.between(5*time.Millisecond, 2*time.Second)
	if s.w.Kill != nil {
		took = s.w.between(5*time.Millisecond, 50*time.Millisecond)
	}
	if s.w.faultsOn(FaultSlow) && s.w.chance(400) {
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
	if s.w.faultsOn(FaultKill) && s.w.chance(25) && s.w.Kill == nil {
		permanent := s.w.chance(40)
		s.endTask(errors.New("it failed"), permanent)
		s.m.Work.Fault = permanent && s.w.faultsOn(FaultRelease) && s.w.chance(2)
		s.step()
		return
	}
	if t.action.Name == "install" {
		s.install()
		return
	}
	s.endTask(nil, false)
	s.effects[s.effect(t.at)] = true
	s.step()
}

func (s *server) effect(p update.Place) string {
	return s.m.Run.String() + s.w.table.Action(p).Name
}

// endTask takes the result over into the memory.
func (s *server) endTask(err error, permanent bool) {
	t := s.task
	s.task = nil
	if err == nil {
		s.m.Work.State = update.WorkDone
		if t.action.Starts != "" {
			s.forgetStopped(t.action.Starts)
		}
		return
	}
	s.w.log("worker %d %d/%s: %v", s.lrn, t.at.Step, t.action.Name, err)
	s.m.Work.State, s.m.Work.Err, s.m.Work.Permanent = update.WorkFailed, err.Error(), permanent
	s.retryAt = s.now() + s.w.between(100*time.Millisecond, 3*time.Second)
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
	s.forgetStopped(d.Group)
	s.again()
}

func (s *server) noteStopped(group string) {
	s.journal = without(s.journal, group)
	s.journal = append(s.journal, update.Stopped{Group: group, Run: s.m.Run})
	s.m.Stopped = slices.Clone(s.journal)
}

func (s *server) forgetStopped(group string) {
	s.journal = without(s.journal, group)
	s.m.Stopped = slices.Clone(s.journal)
}

func without(all []update.Stopped, group string) []update.Stopped {
	return slices.DeleteFunc(slices.Clone(all), func(s update.Stopped) bool { return s.Group == group })
}
