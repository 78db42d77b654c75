package bmc

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/cybozu-go/neco/internal/printable"
)

// maxText is the maximum number of bytes of a BMC's text in an error.
const maxText = 300

// failure is an answer of a BMC with a status other than 2xx.
type failure struct {
	status int
	// ids are the identifiers of the messages, such as IDRAC.2.5.SYS011.
	ids []string
	// text is what the BMC says.
	text string
}

// newFailure returns the failure that an answer is.
func newFailure(status int, body []byte) *failure {
	f := &failure{status: status}
	var answer struct {
		Error struct {
			Message string `json:"message"`
			Info    []struct {
				ID      string `json:"MessageId"`
				Message string `json:"Message"`
			} `json:"@Message.ExtendedInfo"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return f // not by Redfish, such as the HTML of another server
	}
	texts := []string{}
	for _, i := range answer.Error.Info {
		f.ids = append(f.ids, i.ID)
		if i.Message != "" {
			texts = append(texts, i.Message)
		}
	}
	if len(texts) == 0 {
		texts = append(texts, answer.Error.Message)
	}
	f.text = strings.Join(texts, "; ")
	if len(f.text) > maxText {
		f.text = f.text[:maxText] + "…"
	}
	return f
}

func (f *failure) Error() string {
	text := fmt.Sprintf("status %d", f.status)
	if name := http.StatusText(f.status); name != "" {
		text += " (" + name + ")"
	}
	if f.text != "" {
		text += ": " + printable.Line(f.text)
	}
	return text
}

// Is reports whether the failure is ErrLogin or ErrUnsupported, if target is that error.
func (f *failure) Is(target error) bool {
	switch target {
	case ErrLogin:
		return f.status == http.StatusUnauthorized || f.status == http.StatusForbidden
	case ErrUnsupported:
		return f.status == http.StatusNotFound || f.status == http.StatusMethodNotAllowed
	}
	return false
}

// isConflict reports whether err is a refusal because of the state of something.
func isConflict(err error) bool {
	f := (*failure)(nil)
	return errors.As(err, &f) && f.status == http.StatusConflict
}

// has reports whether one of the messages has the given identifier, without its prefix and
// version: IDRAC.2.5.SYS011 is SYS011.
func (f *failure) has(id string) bool {
	for _, i := range f.ids {
		if i == id || strings.HasSuffix(i, "."+id) {
			return true
		}
	}
	return false
}
