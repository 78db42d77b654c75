package status

import (
	"fmt"
	"slices"
)

// Changes returns one line for each difference between the earlier view old and v. It
// ignores differences that are only due to the passing of time.
func (v View) Changes(old View) []string {
	var lines []string
	if a, b := old.update(), v.update(); a != b {
		lines = append(lines, b)
	}
	if a, b := old.due(), v.due(); a != b && b != "" {
		lines = append(lines, b)
	}
	before, noted := map[int]string{}, map[int][]string{}
	for _, s := range old.Servers {
		before[s.LRN], noted[s.LRN] = old.change(s), s.Notes
	}
	for _, s := range v.Servers {
		if a, b := before[s.LRN], v.change(s); a != b {
			lines = append(lines, fmt.Sprintf("boot server %d: %s", s.LRN, b))
		}
		for _, note := range s.Notes {
			if !slices.Contains(noted[s.LRN], note) {
				lines = append(lines, fmt.Sprintf("boot server %d: %s", s.LRN, shorten(note)))
			}
		}
	}
	if v.Release.Newest != old.Release.Newest {
		lines = append(lines, "release "+v.Release.Newest+" is known")
	}
	if v.Release.Error != old.Release.Error && v.Release.Error != "" {
		lines = append(lines, "cannot search for releases: "+shorten(v.Release.Error))
	}
	shown := old.warnings()
	for _, warning := range v.warnings() {
		if !slices.Contains(shown, warning) {
			lines = append(lines, warning)
		}
	}
	known := map[Malformed]bool{}
	for _, m := range old.Malformed {
		known[m] = true
	}
	for _, m := range v.Malformed {
		if !known[m] {
			lines = append(lines, fmt.Sprintf("malformed key %s: %s", m.Key, m.Error))
		}
	}
	return lines
}

// warnings returns the warnings in v about conditions that need an operator, except the
// state of the update and of its servers.
func (v View) warnings() []string {
	return slices.Concat(v.Release.warnings(), v.badReleaseWarnings(), texts(slices.Concat(v.vaultProblems(), v.certificateProblems(), v.backupProblems(), v.configProblems())))
}

func (v View) update() string {
	line := "update " + v.updateLine()
	if v.Reason != "" {
		line += ": " + shorten(v.Reason)
	}
	return line
}

// due returns a line about the update that is due, without times, or "" if no update is
// due.
func (v View) due() string {
	if v.Next == nil {
		return ""
	}
	line := "next " + v.nextLine()
	if v.Awaited != nil {
		line += ", waiting for " + serverList(v.Awaited.Servers)
	}
	return line
}

func (v View) change(s Server) string {
	line := v.serverState(s)
	switch {
	case s.State == ServerRunning || s.State == ServerWaiting:
		line = "step " + v.step(s) // running or waiting depends on the other servers
	case s.Step != nil && s.State != ServerCompleted:
		line += ", step " + v.step(s)
	}
	if s.State == ServerUnknown {
		line += ", " + v.worker(s)
	}
	if text := v.message(s); text != "" {
		line += ": " + text
	}
	return line
}
