package meet

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// hello is what a caller says first.
type hello struct {
	Version int    `json:"version"`
	LRN     int    `json:"lrn"`
	LRNs    []int  `json:"lrns"`
	Proof   []byte `json:"proof"`
}

// welcome is what the leader answers: its own proof, or why it will not talk.
type welcome struct {
	Proof   []byte  `json:"proof,omitempty"`
	Refusal Refusal `json:"refusal,omitempty"`
}

// request of the caller.  The one numbered 0 is a sign of life.
type request struct {
	ID     uint64          `json:"id"`
	Method string          `json:"method,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
	// Cancel: the caller does not wait any more for the answer to ID.
	Cancel bool `json:"cancel,omitempty"`
}

// answer of the leader to the request of that number.
type answer struct {
	ID    uint64          `json:"id"`
	Body  json.RawMessage `json:"body,omitempty"`
	Error string          `json:"error,omitempty"`
	Kind  string          `json:"kind,omitempty"`
}

// CallError is the error of the leader's handler.
type CallError struct {
	Method string
	// Text is the error's.
	Text string
	// Kind is the word by which sentinel errors such as CSRRefused are known.
	Kind string
}

// Error tells where the error comes from.
func (e *CallError) Error() string { return fmt.Sprintf("leader: %s: %s", e.Method, e.Text) }

// Is lets errors.Is find the leader's sentinel here.
func (e *CallError) Is(target error) bool { return e.Kind != "" && target.Error() == e.Kind }

// kindOf is the first error in err's tree whose text is one word: a sentinel
// in the list of kinds.
func kindOf(err error) string {
	if err == nil {
		return ""
	}
	if text := err.Error(); text != "" && !strings.ContainsAny(text, " :\n") {
		return text
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			if kind := kindOf(e); kind != "" {
				return kind
			}
		}
	}
	return kindOf(errors.Unwrap(err))
}
