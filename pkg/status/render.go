package status

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cybozu-go/neco/internal/duration"
)

// Render writes the view as text for people, in lines of at most [Width] columns.
func (v View) Render(w io.Writer) error { return v.RenderTo(w, Width) }

// RenderTo writes the view as text for people, in lines of at most width columns.
func (v View) RenderTo(w io.Writer, width int) error {
	if v.Health == "" {
		v.Judge()
	}
	var b strings.Builder
	line := func(label, text string) { labelled(&b, label, text, width) }
	v.renderHeadline(line)
	if v.Stale != nil && v.State == "" { // nothing was ever read
		lines(line, "to do", v.ToDo)
		_, err := io.WriteString(w, b.String())
		return err
	}
	line("update", v.updateLine()+v.runningFor())
	if v.Reason != "" {
		line("reason", shorten(v.Reason))
	}
	if v.Awaited != nil {
		line("waiting", v.Awaited.line(v.now()))
	}
	if v.Next != nil {
		line("next", v.nextLine())
	}
	lines(line, "to do", v.ToDo)
	lines(line, "trying", v.retries())
	lines(line, "release", v.releaseLines())
	if v.Etcd != nil {
		line("etcd", v.Etcd.line())
	}
	v.renderServers(&b, width)
	v.renderNotes(&b, width)
	v.renderMalformed(&b, width)
	_, err := io.WriteString(w, b.String())
	return err
}

// lines writes the texts on lines of their own. Only the first line has the label.
func lines(line func(label, text string), label string, texts []string) {
	for _, text := range texts {
		line(label, text)
		label = ""
	}
}

// renderHeadline writes a notice if the view is stale, and the problems if there are
// any.
func (v View) renderHeadline(line func(label, text string)) {
	if v.Stale != nil {
		read := "read " + ago(v.now(), v.At) + "; since then"
		if v.State == "" {
			read = "nothing was read yet"
		}
		line("STALE", read+": "+v.Stale.Error)
	}
	if len(v.Problems) > 0 {
		lines(line, "DEGRADED", v.Problems)
	}
}

// now returns the time of the view, or the time of the last failed attempt to read etcd
// if the view is stale. Durations in the output are computed up to this time.
func (v View) now() time.Time {
	if v.Stale != nil {
		return v.Stale.At
	}
	return v.At
}

func (v View) runningFor() string {
	if v.State != Running {
		return ""
	}
	return ", " + ago(v.now(), *v.StartedAt)
}

func (v View) releaseLines() []string {
	all := []string{v.Release.line(v.now())}
	if v.Release.StaleSince != nil && !v.Release.Failing { // a failing search is a problem and shown there
		all = append(all, v.Release.failure())
	}
	all = append(all, v.Release.warnings()...)
	return append(all, v.badReleaseWarnings()...)
}

func (v View) updateLine() string {
	switch v.State {
	case None:
		return "none was requested"
	case Unreadable:
		return "the request cannot be read, see below"
	case Stopped:
		how := v.Outcome
		if how == "" {
			how = "stopped"
		}
		return fmt.Sprintf("%s %s; started %s", v.Version, how, stamp(v.StartedAt))
	}
	return fmt.Sprintf("%s %s; started %s", v.Version, v.State, stamp(v.StartedAt))
}

func (v View) nextLine() string {
	line := v.Next.Version
	if v.Next.Version == v.Version {
		line += " again, with " + serverList(v.Next.Servers)
	}
	return line + "; not started yet"
}

func (a Awaited) line(now time.Time) string {
	servers, rest := a.Servers, ""
	if a.Holder != nil {
		others := slices.DeleteFunc(slices.Clone(a.Servers), func(lrn int) bool { return lrn == *a.Holder })
		servers = []int{*a.Holder}
		if len(others) > 0 {
			rest = "; then " + serverList(others)
		}
	}
	line := "for " + serverList(servers) + " to " + a.To
	if a.Since != nil {
		line += fmt.Sprintf(", since %s, %s", stamp(a.Since), ago(now, *a.Since))
	}
	return line + rest
}

func (r Release) line(now time.Time) string {
	newest := r.Newest
	if newest == "" {
		newest = "none is known"
	}
	switch {
	case !searched(r.Env):
		return newest + "; env none: releases are not searched for"
	case r.CheckedAt != nil:
		return fmt.Sprintf("%s; env %s, last successful check %s", newest, r.Env, ago(now, *r.CheckedAt))
	case r.StaleSince != nil:
		return fmt.Sprintf("%s; env %s, no successful check yet", newest, r.Env)
	}
	return fmt.Sprintf("%s; env %s, no check yet", newest, r.Env)
}

func (v View) renderServers(b *strings.Builder, width int) {
	if len(v.Servers) == 0 {
		b.WriteString("\nno boot server is registered\n")
		return
	}
	b.WriteByte('\n')
	var table strings.Builder
	tw := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	workers := []string{"WORKER"}
	fmt.Fprintln(tw, "LRN\tSTATE\tSTEP\t")
	for _, s := range v.Servers {
		fmt.Fprintf(tw, "%d\t%s\t%s\t\n", s.LRN, v.serverState(s), v.step(s))
		workers = append(workers, v.worker(s))
	}
	tw.Flush()
	for row := range strings.Lines(table.String()) {
		row = strings.TrimSuffix(row, "\n")
		paragraph(b, row, strings.Repeat(" ", Columns(row)), workers[0], width)
		workers = workers[1:]
	}
}

// renderNotes writes the messages and notes of servers below the table, because they do
// not fit into one of its columns.
func (v View) renderNotes(b *strings.Builder, width int) {
	gap := "\n"
	for _, note := range v.notes() {
		b.WriteString(gap)
		paragraph(b, "", "  ", note, width)
		gap = ""
	}
}

func (v View) renderMalformed(b *strings.Builder, width int) {
	if len(v.Malformed) > 0 {
		b.WriteString("\nmalformed keys, left as they are:\n")
	}
	for _, m := range v.Malformed {
		paragraph(b, "  ", "    ", m.Key+": "+shorten(m.Error), width)
	}
}

// step returns the step of the server: "6/18 serf", "0/18 package: install" for a step
// with several phases, or "-" if it has none. Of several actions it names the first,
// followed by "…", because the column is narrow: the line "waiting" names all of them.
func (v View) step(s Server) string {
	if s.Step == nil {
		return "-"
	}
	name := s.StepName
	if s.Doing != "" {
		first, _, several := strings.Cut(s.Doing, ", ")
		name += ": " + first
		if several {
			name += "…"
		}
	}
	return strings.TrimSpace(fmt.Sprintf("%d/%d %s", *s.Step, max(v.LastStep, *s.Step), name))
}

func (v View) serverState(s Server) string {
	switch {
	case !s.Registered:
		return string(s.State) + " (left)"
	case v.State == Running && v.restarts(s):
		return "restarting"
	case s.State == ServerIdle && v.Version != "":
		return "joins the next run"
	}
	return string(s.State)
}

func (v View) worker(s Server) string {
	switch {
	case s.Worker != nil && s.Heartbeat != nil:
		return s.Worker.Version + ", heartbeat " + ago(v.now(), *s.Heartbeat)
	case s.Worker != nil:
		return s.Worker.Version + " since " + stamp(&s.Worker.Since)
	case s.Heartbeat != nil && v.restarts(s):
		return "no lease, last heartbeat " + stamp(s.SilentSince)
	case s.SilentSince != nil:
		return "silent since " + stamp(s.SilentSince)
	case s.Reported != "":
		return "none is running"
	}
	return "never seen"
}

func stamp(t *time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// ago returns the rounded time from t to now as text. If t is later than now, because
// the clock of another server is ahead, it returns "just now".
func ago(now, t time.Time) string {
	d := now.Sub(t)
	if d < time.Second {
		return "just now"
	}
	if d >= 2*duration.Day {
		return duration.Text(d.Truncate(duration.Day)) + " ago"
	}
	return duration.Text(d.Round(time.Second)) + " ago"
}
