package worker

import (
	"fmt"
	"slices"
	"time"

	"github.com/cybozu-go/neco/pkg/update"
)

// events stores what the worker has logged last about the current run, so that it does
// not log that again.
type events struct {
	// decided is the last logged decision; missing is the last logged list of servers for
	// which the worker waited.
	decided, missing string
	// step is the step that was last logged as started; noStep if there is none.
	step  int
	began time.Time
}

// logDecision logs d at debug level if it differs from the last decision. At info level
// it logs the start of a step and the servers that the worker waits for.
func (w *worker) logDecision(d update.Decision) {
	e := &w.events
	if text := fmt.Sprint(d.Do, d.Why, d.Missing, d.At); text != e.decided {
		e.decided = text
		w.Logger.Debug("decided", "do", d.Do.String(), "why", d.Why, "servers", d.Missing, "step", d.At.Step, "action", w.actionName(d.At))
	}
	switch d.Do {
	case update.Start, update.Acquire, update.Ask, update.Advance:
		w.beginStep(w.m.Current().Step)
	}
	if len(d.Missing) == 0 {
		return
	}
	if text := fmt.Sprint(d.Missing, d.At); text != e.missing {
		e.missing = text
		w.Logger.Info("waiting for boot servers", "servers", d.Missing, "step", d.At.Step, "name", w.Table.Name(d.At.Step))
	}
}

// beginStep logs the start of a step unless that is logged already.
func (w *worker) beginStep(step int) {
	if e := &w.events; e.step != step {
		e.step, e.began = step, time.Now()
		w.Logger.Info("step started", "step", step, "name", w.Table.Name(step))
	}
}

// logAdvanced logs the end of the current step if m, the member after the next
// decision, is in another step.
func (w *worker) logAdvanced(m update.Member) {
	before, after := w.m.Current(), m.Current()
	if after.Step == before.Step {
		return
	}
	w.Logger.Info("step finished", "step", before.Step, "name", w.Table.Name(before.Step), "took", time.Since(w.events.began).Round(time.Millisecond))
	w.events.step = noStep
}

// noStep is the value of events.step before a step is started.
const noStep = -1

// logEntered logs that the worker has entered a run, and clears the record of what it
// logged about an earlier run.
func (w *worker) logEntered(why string, servers []int) {
	w.events = events{step: noStep}
	w.Logger.Info("run entered", "version", w.m.Run.Version, "servers", slices.Clone(servers), "step", w.m.Current().Step, "why", why)
}

// logEnded logs that the worker has left its run, with the reason why.
func (w *worker) logEnded(why string) {
	w.Logger.Info("run ended", "version", w.m.Run.Version, "why", why)
}

func (w *worker) actionName(p update.Place) string {
	if p.Step >= 0 && p.Step < len(w.Table) && p.Action < len(w.Table[p.Step].Actions) {
		return w.Table[p.Step].Name + "/" + w.Table[p.Step].Actions[p.Action].Name
	}
	return ""
}
