package status

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/pkg/update"
)

// sameReason replaces a server's message that repeats the reason for which the run was
// stopped.
const sameReason = "as in reason"

// onServer matches the name of the boot server in the message of a failed action.
var onServer = regexp.MustCompile(` on boot server \d+: `)

// message returns the message of the server s, shortened. It returns "" if s has completed
// or the message repeats why the run was stopped, and sameReason if s reports the same
// failure with other words before it.
func (v View) message(s Server) string {
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

// notes returns lines with the messages of the servers that are not retrying a failed
// action, and with the notes of all servers.
func (v View) notes() []string {
	retrying := v.retrying()
	return v.perServer(func(s Server) (all []string) {
		if !slices.Contains(retrying, s.LRN) {
			all = append(all, v.message(s))
		}
		for _, note := range s.Notes {
			all = append(all, shorten(note))
		}
		return all
	})
}

// retries returns lines with the messages of the servers that are retrying a failed
// action. These lines are shown near the top.
func (v View) retries() []string {
	retrying := v.retrying()
	return v.perServer(func(s Server) []string {
		if !slices.Contains(retrying, s.LRN) {
			return nil
		}
		return []string{v.message(s)}
	})
}

// perServer returns a line for each text that is not empty among texts of the servers.
// Servers with the same text share a line.
func (v View) perServer(texts func(Server) []string) []string {
	var all []string
	servers := map[string][]int{}
	for _, s := range v.Servers {
		for _, text := range texts(s) {
			if text == "" {
				continue
			}
			if servers[text] == nil {
				all = append(all, text)
			}
			servers[text] = append(servers[text], s.LRN)
		}
	}
	for i, text := range all {
		all[i] = serverList(servers[text]) + ": " + text
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
