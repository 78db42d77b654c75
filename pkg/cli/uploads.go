package cli

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/cybozu-go/neco/pkg/contents"
	"github.com/cybozu-go/neco/pkg/steps"
)

// uploadsJSON is the JSON of neco init-data.
type uploadsJSON struct {
	// Version is the release whose contents were uploaded.
	Version  string       `json:"version"`
	Contents []uploadJSON `json:"contents"`
}

// The states of an action. The other states are those of package contents.
const (
	// failed means that the action has failed.
	failed contents.State = "failed"
	// done means that the action has succeeded and has a note.
	done contents.State = "done"
)

// uploadJSON is the JSON of one content in neco init-data. Name is empty for the result
// of a whole action. Note is the note of an action that is done.
type uploadJSON struct {
	Step    string         `json:"step"`
	Action  string         `json:"action"`
	Name    string         `json:"name,omitempty"`
	State   contents.State `json:"state"`
	Bytes   int64          `json:"bytes,omitempty"`
	Seconds float64        `json:"seconds,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Command string         `json:"command,omitempty"`
	Note    string         `json:"note,omitempty"`
}

// uploadDisplay shows uploads while they are in progress. Its methods are called by one
// goroutine at a time.
type uploadDisplay interface {
	// progress shows an upload in progress.
	progress(e contents.Event)
	// failure shows why an upload will be repeated.
	failure(e contents.Event)
	// result shows that a content was uploaded in the given time.
	result(e contents.Event, took time.Duration)
	// action shows the result of an action. No upload is in progress any more.
	action(line string)
	// close releases the display.
	close()
}

// uploads collects the results of uploads and shows their progress. It is safe for
// concurrent use.
type uploads struct {
	display uploadDisplay
	now     func() time.Time

	mu sync.Mutex
	// begun has the times at which the uploads in progress began.
	begun map[string]time.Time
	// results are in order. Those of the action in progress, which are the last, have no
	// step and no action yet: finished is the number of the others.
	results  []uploadJSON
	finished int
	closed   bool
}

func newUploads(d uploadDisplay, now func() time.Time) *uploads {
	return &uploads{display: d, now: now, begun: map[string]time.Time{}, results: []uploadJSON{}}
}

// observe receives the events of package contents.
func (u *uploads) observe(e contents.Event) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return // the transport may still read the body of a cancelled upload
	}
	switch e.State {
	case contents.Downloading, contents.Uploading:
		if _, ok := u.begun[e.Name]; !ok {
			u.begun[e.Name] = u.now()
		}
		u.display.progress(e)
		return
	case contents.Repeating:
		u.display.failure(e)
		return
	case contents.Uploaded:
		var took time.Duration
		if begun, ok := u.begun[e.Name]; ok {
			took = u.now().Sub(begun)
		}
		delete(u.begun, e.Name)
		u.display.result(e, took)
		u.results = append(u.results, uploadJSON{Name: e.Name, State: e.State, Bytes: e.Total, Seconds: math.Round(took.Seconds()*1000) / 1000})
	default:
		u.results = append(u.results, uploadJSON{Name: e.Name, State: e.State, Reason: e.Reason, Command: e.Command})
	}
}

// finish receives the outcome of an action, after the events of its contents.
func (u *uploads) finish(o steps.Outcome) {
	u.mu.Lock()
	defer u.mu.Unlock()
	clear(u.begun)
	u.display.action(fmt.Sprintf("%-16s  %-10s  %s", o.Step, o.Action, outcome(o)))
	switch {
	case o.Err != nil:
		u.results = append(u.results, uploadJSON{State: failed, Reason: o.Err.Error()})
	case o.Skipped:
		u.results = append(u.results, uploadJSON{State: contents.NotPrepared, Reason: o.Note, Command: o.Command})
	case o.Note != "" && !onlyNotPrepared(u.results[u.finished:]): // otherwise the note repeats the reasons
		u.results = append(u.results, uploadJSON{State: done, Note: o.Note})
	}
	for i := u.finished; i < len(u.results); i++ {
		u.results[i].Step, u.results[i].Action = o.Step, o.Action
	}
	u.finished = len(u.results)
}

// onlyNotPrepared reports whether there are results and all of them are of contents that an
// operator has to prepare.
func onlyNotPrepared(results []uploadJSON) bool {
	return len(results) > 0 && !slices.ContainsFunc(results, func(r uploadJSON) bool { return r.State != contents.NotPrepared })
}

// close ends the display. It may be called again.
func (u *uploads) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.closed {
		u.closed = true
		u.display.close()
	}
}

// outcome returns o in words.
func outcome(o steps.Outcome) string {
	switch {
	case o.Err != nil:
		return "failed"
	case o.Skipped && o.Command != "":
		return "skipped: " + o.Note + "; run: " + o.Command
	case o.Skipped:
		return "skipped: " + o.Note
	case o.Note != "":
		return o.Note
	}
	return "up to date"
}
