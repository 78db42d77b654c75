package notify

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Slack's colours for messages.
const (
	colorBegin   = "#439FE0"
	colorGood    = "good"
	colorWarning = "warning"
	colorDanger  = "danger"
)

// author is shown above every message.
const author = "neco-updater"

// Run is the part of a message that describes a run.
type Run struct {
	// Cluster is the name of the data centre.
	Cluster string
	// Version is the release that the run installs.
	Version string
	// Servers are the LRNs of the members.
	Servers []int
	// StartedAt identifies the run.
	StartedAt time.Time
}

// Message is one notification, independent of its transport. Its texts are plain.
type Message struct {
	Color  string
	Author string
	Title  string
	Text   string
	Fields []Field
}

// Field is one line of a message's table. A short one shares its line with another.
type Field struct {
	Title string
	Value string
	Short bool
}

// Begin returns the message that a run was requested; detail is the reason.
func Begin(r Run, detail string) Message {
	return message(r, colorBegin, "Update begins", "Boot servers are being updated.", Field{Title: "Detail", Value: detail})
}

// Complete returns the message that every member has completed the run.
func Complete(r Run, detail string) Message {
	return message(r, colorGood, "Update completed", "All boot servers are up to date.", Field{Title: "Detail", Value: detail})
}

// Abort returns the message that a member has aborted the run, with its reason.
func Abort(r Run, reason string) Message {
	return message(r, colorDanger, "Update stopped",
		"A boot server has aborted the update. "+nextStep, Field{Title: "Reason", Value: reason})
}

// Stopped returns the message that an operator has stopped the run, with the operator's
// reason.
func Stopped(r Run, reason string) Message {
	return message(r, colorDanger, "Update stopped",
		"An operator has stopped the update. "+nextStep, Field{Title: "Reason", Value: reason})
}

// Timeout returns the message that a run took too long; reason is what it was waiting
// for.
func Timeout(r Run, reason string) Message {
	return message(r, colorDanger, "Update timed out",
		"The update did not finish in time. "+nextStep, Field{Title: "Reason", Value: reason})
}

// Waiting returns the message that a run does not start before the workers of the
// servers absent are running.
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

// nextStep is what an operator does after a run has ended early.
const nextStep = "When the cause is gone, run: neco recover"

// message returns a message with the common fields that are known, and the field last.
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

// join lists LRNs in ascending order.
func join(lrns []int) string {
	words := make([]string, 0, len(lrns))
	for _, lrn := range slices.Sorted(slices.Values(lrns)) {
		words = append(words, strconv.Itoa(lrn))
	}
	return strings.Join(words, ", ")
}
