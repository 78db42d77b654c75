package meet

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// hello is the greeting: the first message of a client.
type hello struct {
	Version int    `json:"version"`
	LRN     int    `json:"lrn"`
	LRNs    []int  `json:"lrns"`
	Proof   []byte `json:"proof"`
}

// welcome is the leader's answer to a hello: its own proof, or a refusal.
type welcome struct {
	Proof   []byte  `json:"proof,omitempty"`
	Refusal Refusal `json:"refusal,omitempty"`
}

// marshal returns the JSON of a request or an answer, or ErrTooLarge.
func marshal(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err == nil && len(data) > MaxMessage {
		err = fmt.Errorf("%w: a message of %d bytes, more than %d", ErrTooLarge, len(data), MaxMessage)
	}
	return data, err
}

// CallError is an error of the leader's handler, as the client receives it.
type CallError struct {
	Method string `json:"-"`
	// Text is the text of the error.
	Text string `json:"error"`
	// Kind is the text of the leader's sentinel error, such as CSRRefused, or "".
	Kind string `json:"kind,omitempty"`
}

// maxErrorText bounds the text of an error that is sent.
const maxErrorText = 4 << 10

func newCallError(err error) CallError {
	text := err.Error()
	return CallError{Text: text[:min(len(text), maxErrorText)], Kind: kindOf(err)}
}

// Error returns "leader", the method and the text.
func (e *CallError) Error() string { return fmt.Sprintf("leader: %s: %s", e.Method, e.Text) }

// Is makes errors.Is find the sentinel error of the leader.
func (e *CallError) Is(target error) bool { return e.Kind != "" && target.Error() == e.Kind }

// kindOf returns the text of the first error in err's tree whose text is one word,
// as those of sentinel errors are, or "".
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
