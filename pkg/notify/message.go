package notify

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Slack's colours of what the messages are about.
const (
	colorBegin   = "#439FE0"
	colorGood    = "good"
	colorWarning = "warning"
	colorDanger  = "danger"
)

// author is shown above every message.
const author = "neco-updater"

// Run is what every message tells of a run.
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

// Message is one notice, independent of what carries it. Its texts are plain.
type Message struct {
	Color  string
	Author string
	Title  string
	Text   string
	Fields []Field
}

// Field is one line of a notice's table. A short one leaves room beside it.
type Field struct {
	Title string
	Value string
	Short bool
}

// Begin tells that the request of a run has been written, and why.
func Begin(r Run, detail string) Message {
	return message(r, colorBegin, "Update begins", "Boot servers are being updated.", Field{Title: "Detail", Value: detail})
}

// Complete tells that every member has completed the run.
func Complete(r Run, detail string) Message {
	return message(r, colorGood, "Update completed", "All boot servers are up to date.", Field{Title: "Detail", Value: detail})
}

// Abort tells that a member has aborted the run, and its reason.
func Abort(r Run, reason string) Message {
	return message(r, colorDanger, "Update stopped",
		"A boot server has aborted the update. "+nextStep, Field{Title: "Reason", Value: reason})
}

// Stopped tells that an operator has stopped a run, and the operator's words.
func Stopped(r Run, reason string) Message {
	return message(r, colorDanger, "Update stopped",
		"An operator has stopped the update. "+nextStep, Field{Title: "Reason", Value: reason})
}

// Timeout tells that a run took too long, and what it was waiting for.
func Timeout(r Run, reason string) Message {
	return message(r, colorDanger, "Update timed out",
		"The update did not finish in time. "+nextStep, Field{Title: "Reason", Value: reason})
}

// Waiting tells that a run does not begin before these servers are back.
func Waiting(r Run, absent []int, since time.Time) Message {
	reason := "no sign of boot server " + join(absent)
	if len(absent) > 1 {
		reason = "no sign of boot servers " + join(absent)
	}
	if !since.IsZero() {
		reason += " since " + since.Format(time.RFC3339)
	}
	return message(r, colorWarning, "Update is waiting",
		"The update begins as soon as all boot servers are there.", Field{Title: "Reason", Value: reason})
}

// nextStep is what an operator does after a run has ended early.
const nextStep = "When the cause is gone, run: neco recover"

// message has the fields that are common to all, as far as they are known.
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

// join lists LRNs in the order of numbers.
func join(lrns []int) string {
	words := make([]string, 0, len(lrns))
	for _, lrn := range slices.Sorted(slices.Values(lrns)) {
		words = append(words, strconv.Itoa(lrn))
	}
	return strings.Join(words, ", ")
}
