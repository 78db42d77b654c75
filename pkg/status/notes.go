package status

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/pkg/update"
)

// notManaged ends the note of a step that this version leaves alone; it says
// nothing about the server.
const notManaged = "this version does not manage it yet"

// sameReason is the note of a server that reports what the reason says.
const sameReason = "as in reason"

// onServer names the server in the message of an action.
var onServer = regexp.MustCompile(` on boot server \d+: `)

// note is what a server has to add: nothing where all is done, or where the reason says
// it.
func (v View) note(s Server) string {
	if s.State == ServerCompleted || s.Message != "" && strings.Contains(v.Reason, s.Message) {
		return ""
	}
	parts := slices.DeleteFunc(strings.Split(s.Message, "; "), func(part string) bool { return strings.HasSuffix(part, notManaged) })
	text := onServer.ReplaceAllString(strings.Join(parts, "; "), ": ")
	reason := onServer.ReplaceAllString(v.Reason, ": ")
	if reason != "" && strings.HasSuffix(text, reason) {
		return "" // it has left the run for this reason, as its state says
	}
	failure := strings.TrimPrefix(strings.TrimPrefix(text, update.TriesAgain), update.InProgress)
	if text != "" && strings.Contains(reason, failure) {
		return sameReason
	}
	return shorten(text)
}

// notes are those of the servers whose action is not tried again.
func (v View) notes() []string {
	return v.notesOf(func(lrn int) bool { return !slices.Contains(v.retrying(), lrn) })
}

// retries are the notes of those whose action is: the cause belongs to the headline.
func (v View) retries() []string {
	return v.notesOf(func(lrn int) bool { return slices.Contains(v.retrying(), lrn) })
}

// notesOf are those of the servers that are wanted; servers with the same note are named
// together.
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

// MessageMax is how much of a message is shown to people; JSON has it all.
const MessageMax = 320

func shorten(s string) string { return Shorten(s, MessageMax) }

// serverList names servers: "boot server 2", "boot servers 0, 2".
func serverList(lrns []int) string {
	all := slices.Sorted(slices.Values(lrns))
	return lrn.Servers(slices.Compact(all))
}
