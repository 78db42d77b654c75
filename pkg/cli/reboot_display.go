package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/reboot"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// rackLines are the lines of the progress display: one for each rack, then the newest messages.
type rackLines []string

// maxNotes is how many messages the progress display has on a terminal.
const maxNotes = 5

// RenderTo writes the lines; [screen] breaks those that are too wide.
func (l rackLines) RenderTo(w io.Writer, _ int) error {
	_, err := io.WriteString(w, strings.Join(l, "\n")+"\n")
	return err
}

// racksOf returns a line for each rack of a plan, in the order of racks. failed are the serial
// numbers of machines that have not come back.
func racksOf(r reboot.Rolling, p reboot.Progress, failed map[string]bool) rackLines {
	type rack struct{ all, done, out, failed, skipped int }
	racks := map[int]*rack{}
	for _, t := range r.Targets {
		if racks[t.Rack] == nil {
			racks[t.Rack] = &rack{}
		}
		racks[t.Rack].all++
	}
	for _, i := range p.Done {
		racks[r.Targets[i].Rack].done++
	}
	for _, i := range slices.Concat(p.Skipped, r.GivenUp(p)) {
		racks[r.Targets[i].Rack].skipped++
	}
	for _, o := range p.Out {
		if t := r.Targets[o.Machine]; failed[t.Serial] {
			racks[t.Rack].failed++
		} else {
			racks[t.Rack].out++
		}
	}
	var lines rackLines
	for _, n := range slices.Sorted(maps.Keys(racks)) {
		k := racks[n]
		line := fmt.Sprintf("rack %d: %d of %d done, %d under way", n, k.done, k.all, k.out)
		if k.failed > 0 {
			line += fmt.Sprintf(", %d failed", k.failed)
		}
		if k.skipped > 0 {
			line += fmt.Sprintf(", %d skipped", k.skipped)
		}
		lines = append(lines, line)
	}
	return lines
}

// rackDisplay shows the progress of restarts: on a terminal in place, elsewhere the lines that
// change.
type rackDisplay struct {
	w        io.Writer
	terminal bool
	screen   screen
	last     rackLines
	notes    []string
}

// show shows the lines of racks.
func (d *rackDisplay) show(lines rackLines) error {
	old := d.last
	d.last = lines
	if d.terminal {
		return d.screen.draw(d.w, slices.Concat(lines, d.notes[max(0, len(d.notes)-maxNotes):]))
	}
	for i, line := range lines {
		if len(old) == len(lines) && old[i] == line {
			continue
		}
		if _, err := fmt.Fprintln(d.w, line); err != nil {
			return err
		}
	}
	return nil
}

// say prints a message, unless it equals the one before. On a terminal, the message is part of the
// progress display, and close prints it.
func (d *rackDisplay) say(line string) {
	line = printable.Line(line)
	if len(d.notes) > 0 && d.notes[len(d.notes)-1] == line {
		return
	}
	d.notes = append(d.notes, line)
	if !d.terminal {
		fmt.Fprintln(d.w, line)
	}
}

// close ends the progress display on a terminal, and prints all messages and the last line of each
// rack below it.
func (d *rackDisplay) close() {
	if !d.screen.entered || d.screen.leave(d.w) != nil {
		return
	}
	for _, line := range slices.Concat(d.notes, d.last) {
		fmt.Fprintln(d.w, line)
	}
}

// printPlan prints the machines of a plan that are not done, and how long they take.
func printPlan(out io.Writer, r reboot.Rolling, p reboot.Progress, v reboot.View) {
	machines := map[string]sabakan.Machine{}
	for _, m := range v.Machines {
		machines[m.Spec.Serial] = m
	}
	storage, others := 0, 0
	for _, direct := range []bool{false, true} {
		title := map[bool]string{false: "Add to CKE's reboot queue, under the budget:\n", true: "Restart by their BMC, under the budget, because they are not nodes of Kubernetes:\n"}[direct]
		for _, i := range r.Left(p) {
			t := r.Targets[i]
			if t.Direct != direct {
				continue
			}
			fmt.Fprintf(out, "%s  %s\n", title, describe(machines[t.Serial]))
			title = ""
			switch {
			case direct:
			case machines[t.Serial].Spec.Role == "ss":
				storage++
			default:
				others++
			}
		}
	}
	fmt.Fprintln(out, estimateText(r.Budget, r.Estimate(p, storage, others)))
}

// estimateText returns an estimate for people, and on what it is based.
func estimateText(b reboot.Budget, e reboot.Estimate) string {
	var limits []string
	if b.PerRack > 0 {
		limits = append(limits, fmt.Sprintf("at most %d of a rack", b.PerRack))
	}
	if b.Unavailable > 0 {
		limits = append(limits, fmt.Sprintf("at most %d of the fleet", b.Unavailable))
	}
	if !b.Window.IsZero() {
		limits = append(limits, "from "+strings.Replace(b.Window.String(), "-", " to ", 1))
	}
	why := "assumed, none was measured yet"
	if e.Measured > 0 {
		why = fmt.Sprintf("the mean of %d", e.Measured)
	}
	text := fmt.Sprintf("%d machines, %s: %d rounds", e.Machines, strings.Join(limits, ", "), e.Rounds)
	if e.Entries > 0 {
		text += fmt.Sprintf(" and %d entries for CKE, which takes one after the other", e.Entries)
	}
	text += fmt.Sprintf("; about %s at %s a restart (%s)", duration.Text(e.Total.Round(time.Minute)), duration.Text(e.Each.Round(time.Second)), why)
	if e.Days > 1 {
		text += fmt.Sprintf(", on %d days", e.Days)
	}
	return text
}

// printState prints which machines are done, under way, failed, and so on.
func printState(out io.Writer, r reboot.Rolling, p reboot.Progress, failed []reboot.Trouble) {
	bad := map[string]bool{}
	for _, f := range failed {
		bad[f.Serial] = true
	}
	var under []int
	for _, o := range p.Out {
		if !bad[r.Targets[o.Machine].Serial] {
			under = append(under, o.Machine)
		}
	}
	for _, part := range []struct {
		what    string
		numbers []int
	}{{"done", p.Done}, {"under way", under}, {"skipped", p.Skipped}, {"given up", r.GivenUp(p)}, {"left", r.Left(p)}} {
		if len(part.numbers) > 0 {
			fmt.Fprintf(out, "%s (%d): %s\n", part.what, len(part.numbers), names(r, part.numbers))
		}
	}
	for _, f := range failed {
		fmt.Fprintf(out, "failed: %s: %s\n", f.Serial, printable.Line(f.Err.Error()))
	}
}
