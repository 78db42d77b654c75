package status

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Render writes the view for people.
func (v View) Render(w io.Writer) error {
	var b strings.Builder
	head := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	update := v.updateLine()
	if v.State == Running {
		update += ", " + ago(v.At, *v.StartedAt)
	}
	fmt.Fprintf(head, "update\t%s\n", update)
	if v.Reason != "" {
		fmt.Fprintf(head, "reason\t%s\n", v.Reason)
	}
	if v.Awaited != nil {
		fmt.Fprintf(head, "awaited\t%s\n", v.Awaited.line(v.At))
	}
	if v.Next != nil {
		fmt.Fprintf(head, "next\t%s\n", v.nextLine())
	}
	fmt.Fprintf(head, "release\t%s\n", v.Release.line(v.At))
	if v.Release.StaleSince != nil {
		fmt.Fprintf(head, "\tstale since %s: %s\n", stamp(v.Release.StaleSince), v.Release.Error)
	}
	if v.Release.Overdue {
		fmt.Fprintf(head, "\tnobody has looked for releases since %s; is neco-updater running?\n", stamp(v.Release.CheckedAt))
	}
	renderWarnings(head, "", v.Release.warnings())
	renderWarnings(head, "bad release", v.badReleaseWarnings())
	renderWarnings(head, "certificates", v.certificateWarnings())
	renderWarnings(head, "backups", v.backupWarnings())
	renderWarnings(head, "vault", v.vaultWarnings())
	head.Flush()
	v.renderServers(&b)
	if len(v.Malformed) > 0 {
		b.WriteString("\nmalformed keys, skipped and left as they are:\n")
	}
	for _, m := range v.Malformed {
		fmt.Fprintf(&b, "  %s: %s\n", m.Key, m.Error)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// renderWarnings writes lines below one label.
func renderWarnings(w io.Writer, label string, lines []string) {
	for _, line := range lines {
		fmt.Fprintf(w, "%s\t%s\n", label, line)
		label = ""
	}
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
		return fmt.Sprintf("%s %s; begun %s", v.Version, how, stamp(v.StartedAt))
	}
	return fmt.Sprintf("%s %s; begun %s", v.Version, v.State, stamp(v.StartedAt))
}

func (v View) nextLine() string {
	line := v.Next.Version
	if v.Next.Version == v.Version {
		line += " again, with " + serverList(v.Next.Servers)
	}
	return line + "; has not begun yet"
}

func (a Awaited) line(now time.Time) string {
	line := serverList(a.Servers) + " to " + a.To
	if a.Since != nil {
		line += fmt.Sprintf(", since %s, %s", stamp(a.Since), ago(now, *a.Since))
	}
	return line
}

func (r Release) line(now time.Time) string {
	newest := r.Newest
	if newest == "" {
		newest = "none is known"
	}
	switch {
	case r.CheckedAt != nil:
		return fmt.Sprintf("%s; env %s, looked %s", newest, r.Env, ago(now, *r.CheckedAt))
	case r.StaleSince != nil:
		return fmt.Sprintf("%s; env %s, no look has worked yet", newest, r.Env)
	}
	return fmt.Sprintf("%s; env %s, nobody has looked yet", newest, r.Env)
}

func (v View) renderServers(b *strings.Builder) {
	if len(v.Servers) == 0 {
		b.WriteString("\nno boot server is registered\n")
		return
	}
	b.WriteByte('\n')
	tw := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "LRN\tVERSION\tSTEP\tSTATE\tWORKER\tMESSAGE")
	for _, s := range v.Servers {
		fmt.Fprintf(tw, "%d\t%s\t%s\t%s\t%s\t%s\n",
			s.LRN, dash(s.Version), s.step(), v.serverState(s), s.worker(), dash(v.note(s)))
	}
	tw.Flush()
}

func (s Server) step() string {
	switch {
	case s.Step == nil:
		return "-"
	case s.Phase > 0:
		return fmt.Sprintf("%d.%d %s", *s.Step, s.Phase, s.StepName)
	}
	return fmt.Sprintf("%d %s", *s.Step, s.StepName)
}

func (v View) serverState(s Server) string {
	switch {
	case !s.Registered:
		return string(s.State) + ", not registered"
	case s.State == ServerIdle && v.Version != "":
		return "joins the next run"
	}
	return string(s.State)
}

func (s Server) worker() string {
	switch {
	case s.Worker != nil:
		return s.Worker.Version + " since " + stamp(&s.Worker.Since)
	case s.SilentSince != nil:
		return "no sign of life; last report " + stamp(s.SilentSince)
	}
	if s.Reported != "" {
		return "no sign of life"
	}
	return "never heard of"
}

// note is what the table has to add about a server: nothing where all is done,
// and not once more what the reason says in full.
func (v View) note(s Server) string {
	switch {
	case s.State == ServerCompleted:
		return ""
	case s.State == ServerAborted && s.Message != "" && strings.Contains(v.Reason, s.Message):
		return "see reason"
	}
	return shorten(s.Message)
}

// messageMax is how much of a message a table has room for; JSON has it all.
const messageMax = 200

func shorten(s string) string {
	r := []rune(s)
	if len(r) <= messageMax {
		return s
	}
	return string(r[:messageMax-1]) + "…"
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

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
	return d.Round(time.Second).String() + " ago"
}
