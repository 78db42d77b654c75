package status

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/pkg/update"
)

// sameReason is the note of a server whose message repeats the reason for which the run
// was stopped.
const sameReason = "as in reason"

// onServer matches the name of the boot server in the message of a failed action.
var onServer = regexp.MustCompile(` on boot server \d+: `)

// note returns the message of the server s, shortened. It returns "" if s has completed or
// the message repeats why the run was stopped, and sameReason if s reports the same failure
// with other words before it.
func (v View) note(s Server) string {
	if s.State == ServerCompleted || s.Message != "" && strings.Contains(v.Reason, s.Message) {
		return ""
	}
	text := onServer.ReplaceAllString(s.Message, ": ")
	reason := onServer.ReplaceAllString(v.Reason, ": ")
	if reason != "" && strings.HasSuffix(text, reason) {
		return "" // the state of the server shows that it has aborted
	}
	failure := strings.TrimPrefix(strings.TrimPrefix(text, update.TriesAgain), update.InProgress)
	if text != "" && strings.Contains(reason, failure) {
		return sameReason
	}
	return shorten(text)
}

// notes returns lines with the notes of the servers that are not retrying a failed
// action.
func (v View) notes() []string {
	return v.notesOf(func(lrn int) bool { return !slices.Contains(v.retrying(), lrn) })
}

// retries returns lines with the notes of the servers that are retrying a failed action.
// These lines are shown near the top.
func (v View) retries() []string {
	return v.notesOf(func(lrn int) bool { return slices.Contains(v.retrying(), lrn) })
}

// notesOf returns lines with the notes of the servers for which wanted returns true.
// Servers with the same note share a line.
func (v View) notesOf(wanted func(lrn int) bool) []string {
	var all []string
	servers := map[string][]int{}
	for _, s := range v.Servers {
		note := v.note(s)
		if note == "" || !wanted(s.LRN) {
			continue
		}
		if servers[note] == nil {
			all = append(all, note)
		}
		servers[note] = append(servers[note], s.LRN)
	}
	for i, note := range all {
		all[i] = serverList(servers[note]) + ": " + note
	}
	return all
}

// MessageMax is the maximum length, in characters, of a message in the text output;
// longer messages are shortened. JSON has the complete message.
const MessageMax = 320

func shorten(s string) string { return Shorten(s, MessageMax) }

// serverList returns the servers as text: "boot server 2", "boot servers 0, 2".
func serverList(lrns []int) string {
	all := slices.Sorted(slices.Values(lrns))
	return lrn.Servers(slices.Compact(all))
}
