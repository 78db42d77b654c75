package notify

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// The colours of messages in Slack.
const (
	colorBegin   = "#439FE0"
	colorGood    = "good"
	colorWarning = "warning"
	colorDanger  = "danger"
)

// author is the name that Slack shows above each message.
const author = "neco-updater"

// Run is what messages tell about a run, which is one update of boot servers.
type Run struct {
	// Cluster is the name of the data centre.
	Cluster string
	// Version is the release that the run installs.
	Version string
	// Servers are the LRNs of the boot servers in the run.
	Servers []int
	// StartedAt is when the run was requested, which identifies the run.
	StartedAt time.Time
}

// Message is one notification, independent of how it is sent. Its texts have no markup.
type Message struct {
	Color  string
	Author string
	Title  string
	Text   string
	Fields []Field
}

// Field is one line in the table of a message. Two short fields may share a line.
type Field struct {
	Title string
	Value string
	Short bool
}

// Begin returns the message that the run r was requested. detail is the reason.
func Begin(r Run, detail string) Message {
	return message(r, colorBegin, "Update begins", "Boot servers are being updated.", Field{Title: "Detail", Value: detail})
}

// Complete returns the message that all boot servers in the run r have completed it.
func Complete(r Run, detail string) Message {
	return message(r, colorGood, "Update completed", "All boot servers are up to date.", Field{Title: "Detail", Value: detail})
}

// Abort returns the message that a boot server has aborted the run r, with the reason.
func Abort(r Run, reason string) Message {
	return message(r, colorDanger, "Update stopped",
		"A boot server has aborted the update. "+nextStep, Field{Title: "Reason", Value: reason})
}

// Stopped returns the message that an operator has stopped the run r, with the reason.
func Stopped(r Run, reason string) Message {
	return message(r, colorDanger, "Update stopped",
		"An operator has stopped the update. "+nextStep, Field{Title: "Reason", Value: reason})
}

// Timeout returns the message that the run r took too long; reason is what it was waiting
// for.
func Timeout(r Run, reason string) Message {
	return message(r, colorDanger, "Update timed out",
		"The update did not finish in time. "+nextStep, Field{Title: "Reason", Value: reason})
}

// Waiting returns the message that a new run does not start until workers are running
// on the boot servers in absent.
func Waiting(r Run, absent []int, since time.Time) Message {
	reason := "no worker is running on boot server " + join(absent)
	if len(absent) > 1 {
		reason = "no worker is running on boot servers " + join(absent)
	}
	if !since.IsZero() {
		reason += " since " + since.Format(time.RFC3339)
	}
	return message(r, colorWarning, "Update is waiting",
		"The update begins as soon as all boot servers are there.", Field{Title: "Reason", Value: reason})
}

// nextStep is the text that tells an operator what to do after a run has ended early.
const nextStep = "When the cause is gone, run: neco recover"

// message returns a message with the fields that all messages have, as far as their
// values are known, followed by the fields in last.
func message(r Run, color, title, text string, last Field) Message {
	m := Message{Color: color, Author: author, Title: title, Text: text}
	m.add("Cluster", r.Cluster, true)
	m.add("Version", r.Version, true)
	m.add("Servers", join(r.Servers), true)
	if !r.StartedAt.IsZero() {
		m.add("Started at", r.StartedAt.Format(time.RFC3339), true)
	}
	m.add(last.Title, last.Value, false)
	return m
}

func (m *Message) add(title, value string, short bool) {
	if value != "" {
		m.Fields = append(m.Fields, Field{Title: title, Value: value, Short: short})
	}
}

// join returns lrns as text, in ascending order.
func join(lrns []int) string {
	words := make([]string, 0, len(lrns))
	for _, lrn := range slices.Sorted(slices.Values(lrns)) {
		words = append(words, strconv.Itoa(lrn))
	}
	return strings.Join(words, ", ")
}
