package notify

import (
	"strings"
	"unicode/utf8"

	"github.com/cybozu-go/neco/internal/printable"
)

// maxText bounds one text of a message: Slack hides what is longer, and an
// error may carry the whole output of a program.
const maxText = 2000

// The form of an incoming webhook's message with attachments.
type (
	payload struct {
		Attachments []attachment `json:"attachments"`
	}
	attachment struct {
		Color  string  `json:"color"`
		Author string  `json:"author_name"`
		Title  string  `json:"title"`
		Text   string  `json:"text"`
		Fields []field `json:"fields"`
	}
	field struct {
		Title string `json:"title"`
		Value string `json:"value"`
		Short bool   `json:"short"`
	}
)

func payloadOf(m Message) payload {
	a := attachment{Color: m.Color, Author: m.Author, Title: plain(m.Title), Text: plain(m.Text), Fields: []field{}}
	for _, f := range m.Fields {
		a.Fields = append(a.Fields, field{Title: plain(f.Title), Value: plain(f.Value), Short: f.Short})
	}
	return payload{Attachments: []attachment{a}}
}

// plain makes Slack show a text as it is: without escapes, "<!channel>" in an
// error would call everybody.
func plain(text string) string {
	text = printable.Lines(text)
	if len(text) > maxText {
		text = text[:maxText]
		for !utf8.ValidString(text) {
			text = text[:len(text)-1]
		}
		text += " …"
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
