package notify

import (
	"strings"
	"unicode/utf8"

	"github.com/cybozu-go/neco/internal/printable"
)

// maxText is the maximum length of one text in a message; a longer text is cut. Slack
// hides long texts, and an error may contain the whole output of a program.
const maxText = 2000

// payload is the JSON of a message with attachments for an incoming webhook.
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

// plain escapes text for Slack. Otherwise "<!channel>" in an error would notify everybody
// in the channel.
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
