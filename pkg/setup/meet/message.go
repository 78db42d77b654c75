package meet

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// hello is the first message of a client, with its proof.
type hello struct {
	Version int    `json:"version"`
	LRN     int    `json:"lrn"`
	LRNs    []int  `json:"lrns"`
	Proof   []byte `json:"proof"`
}

// welcome is the leader's answer to a hello: the leader's own proof, or a refusal.
type welcome struct {
	Proof   []byte  `json:"proof,omitempty"`
	Refusal Refusal `json:"refusal,omitempty"`
}

// marshal returns v, a request or an answer, in JSON. It returns ErrTooLarge for more
// than MaxMessage bytes.
func marshal(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err == nil && len(data) > MaxMessage {
		err = fmt.Errorf("%w: a message of %d bytes, more than %d", ErrTooLarge, len(data), MaxMessage)
	}
	return data, err
}

// CallError is an error that the leader's handler has returned for a request of the
// client.
type CallError struct {
	Method string `json:"-"`
	// Text is the text of the error.
	Text string `json:"error"`
	// Kind is the text of the sentinel error that the leader's error wraps, such as
	// CSRRefused. It is empty if there is none.
	Kind string `json:"kind,omitempty"`
}

// maxErrorText is the maximum length of the text of an error that the leader sends. A
// longer text is cut.
const maxErrorText = 4 << 10

func newCallError(err error) CallError {
	text := err.Error()
	return CallError{Text: text[:min(len(text), maxErrorText)], Kind: kindOf(err)}
}

// Error returns the word "leader", the method and the text of the error.
func (e *CallError) Error() string { return fmt.Sprintf("leader: %s: %s", e.Method, e.Text) }

// Is reports whether target is the sentinel error that the leader's error wraps. It
// compares the texts.
func (e *CallError) Is(target error) bool { return e.Kind != "" && target.Error() == e.Kind }

// kindOf returns the text of the sentinel error that err wraps: the first error in the
// tree of err whose text is a single word. It returns "" if err wraps no such error.
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
