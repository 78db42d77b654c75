package status

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/duration"
)

// Render writes the view for people, in lines of at most [Width] characters as far
// as words allow.
func (v View) Render(w io.Writer) error { return v.RenderTo(w, Width) }

// RenderTo is Render for a terminal of another width.
func (v View) RenderTo(w io.Writer, width int) error {
	if v.Health == "" {
		v.Judge()
	}
	var b strings.Builder
	line := func(label, text string) { labelled(&b, label, text, width) }
	v.renderHeadline(line)
	line("update", v.updateLine()+v.runningFor())
	if v.Reason != "" {
		line("reason", v.Reason)
	}
	if v.Awaited != nil {
		line("waiting", v.Awaited.line(v.now()))
	}
	if v.Next != nil {
		line("next", v.nextLine())
	}
	lines(line, "release", v.releaseLines())
	if v.Etcd != nil {
		line("etcd", v.Etcd.line())
	}
	lines(line, "to do", v.toDo())
	v.renderServers(&b)
	v.renderNotes(line, &b)
	if len(v.Malformed) > 0 {
		b.WriteString("\nmalformed keys, skipped and left as they are:\n")
	}
	for _, m := range v.Malformed {
		fmt.Fprintf(&b, "  %s: %s\n", m.Key, m.Error)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// lines writes several texts below one label.
func lines(line func(label, text string), label string, texts []string) {
	for _, text := range texts {
		line(label, text)
		label = ""
	}
}

// renderHeadline says first whether somebody has to do something, and why.
func (v View) renderHeadline(line func(label, text string)) {
	if v.Stale != nil {
		line("STALE", fmt.Sprintf("read %s; since then: %s", ago(v.now(), v.At), v.Stale.Error))
	}
	if len(v.Problems) > 0 {
		lines(line, "DEGRADED", v.Problems)
	}
}

// now is the time that durations are counted to.
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
	if v.Release.StaleSince != nil {
		all = append(all, fmt.Sprintf("every search has failed since %s: %s", stamp(v.Release.StaleSince), v.Release.Error))
	}
	all = append(all, v.Release.warnings()...)
	return append(all, v.badReleaseWarnings()...)
}

// toDo is the command that an operator needs next.
func (v View) toDo() []string {
	switch {
	case v.State == Stopped:
		return []string{"when the cause is gone, run: neco recover"}
	case v.State == Unreadable:
		return []string{"delete the request with: neco recover --malformed"}
	case v.Awaited != nil && v.silentAwaited():
		return []string{"look there at: systemctl status neco-worker"}
	}
	return nil
}

// silentAwaited reports whether one of the awaited servers has no worker.
func (v View) silentAwaited() bool {
	return slices.ContainsFunc(v.Servers, func(s Server) bool {
		return s.Worker == nil && !v.restarts(s) && slices.Contains(v.Awaited.Servers, s.LRN)
	})
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
	case r.Env == "" || r.Env == neco.NoneEnv:
		return newest + "; env none: releases are not searched for"
	case r.CheckedAt != nil:
		return fmt.Sprintf("%s; env %s, checked %s", newest, r.Env, ago(now, *r.CheckedAt))
	case r.StaleSince != nil:
		return fmt.Sprintf("%s; env %s, no successful check yet", newest, r.Env)
	}
	return fmt.Sprintf("%s; env %s, no check yet", newest, r.Env)
}

func (v View) renderServers(b *strings.Builder) {
	if len(v.Servers) == 0 {
		b.WriteString("\nno boot server is registered\n")
		return
	}
	b.WriteByte('\n')
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "LRN\tSTATE\tSTEP\tWORKER")
	for _, s := range v.Servers {
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\n", s.LRN, v.serverState(s), v.step(s), v.worker(s))
	}
	tw.Flush()
}

// renderNotes writes what servers have to add, which no column has room for.
func (v View) renderNotes(line func(label, text string), b *strings.Builder) {
	gap := "\n"
	for _, s := range v.Servers {
		if note := v.note(s); note != "" {
			b.WriteString(gap)
			line(fmt.Sprint("boot ", s.LRN), note)
			gap = ""
		}
	}
}

// step is "6/18 serf"; in a step with several parts "0/18 package: install".
func (v View) step(s Server) string {
	if s.Step == nil {
		return "-"
	}
	name := s.StepName
	if s.Doing != "" {
		name += ": " + s.Doing
	}
	return strings.TrimSpace(fmt.Sprintf("%d/%d %s", *s.Step, max(v.LastStep, *s.Step), name))
}

func (v View) serverState(s Server) string {
	switch {
	case !s.Registered:
		return string(s.State) + " (left)"
	case v.restarts(s):
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
	case s.SilentSince != nil:
		return "silent since " + stamp(s.SilentSince)
	case s.Reported != "":
		return "none is running"
	}
	return "never seen"
}

// notManaged ends the note of a step that this version leaves alone; it says
// nothing about the server.
const notManaged = "this version does not manage it yet"

// note is what a server has to add: nothing where all is done, and nothing that
// the reason says already.
func (v View) note(s Server) string {
	if s.State == ServerCompleted || s.Message != "" && strings.Contains(v.Reason, s.Message) {
		return ""
	}
	parts := slices.DeleteFunc(strings.Split(s.Message, "; "), func(part string) bool { return strings.HasSuffix(part, notManaged) })
	return shorten(strings.Join(parts, "; "))
}

// messageMax is how much of a message is shown to people; JSON has it all.
const messageMax = 320

// shorten keeps the begin of a message and its end, where the cause stands.
func shorten(s string) string { return middle(s, messageMax) }

// serverList names servers: "boot server 2", "boot servers 0, 2".
func serverList(lrns []int) string {
	names := make([]string, len(lrns))
	for i, lrn := range slices.Sorted(slices.Values(lrns)) {
		names[i] = fmt.Sprint(lrn)
	}
	if len(names) == 1 {
		return "boot server " + names[0]
	}
	return "boot servers " + strings.Join(names, ", ")
}

func stamp(t *time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// ago is the time since t in round figures. A clock that is ahead of the
// reader's is no reason for a negative number.
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
