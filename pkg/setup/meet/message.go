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

// marshal is the JSON of a request or an answer.
func marshal(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err == nil && len(data) > MaxMessage {
		err = fmt.Errorf("%w: a message of %d bytes, more than %d", ErrTooLarge, len(data), MaxMessage)
	}
	return data, err
}

// CallError is the error of the leader's handler.
type CallError struct {
	Method string `json:"-"`
	// Text is the error's.
	Text string `json:"error"`
	// Kind is the word by which sentinel errors such as CSRRefused are known.
	Kind string `json:"kind,omitempty"`
}

// maxErrorText bounds the text of an error that is sent.
const maxErrorText = 4 << 10

func newCallError(err error) CallError {
	text := err.Error()
	return CallError{Text: text[:min(len(text), maxErrorText)], Kind: kindOf(err)}
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
