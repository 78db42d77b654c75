package printable

import (
	"strings"
	"testing"
)

func TestTextOfOthersDoesNotTamperWithATerminal(t *testing.T) {
	for text, want := range map[string]string{
		"disk full":              "disk full",
		"Größe 10 µm – 面":        "Größe 10 µm – 面",
		"a\x1b[2J\x07b":          `a\x1b[2J\ab`,
		"one\ntwo\r\n\n three\n": "one two three",
		"Errors:\n\t* no room\n": "Errors: * no room",
		"a\tb":                   "a b",
		"a\rb":                   `a\rb`,
		"\u009b31m":              `\u009b31m`,
		"a\u202eb\u200b":         `a\u202eb\u200b`,
		"\xff":                   "\uFFFD",
		"a\u00a0b":               "a b",
		"\x00\x7f":               `\x00\x7f`,
		strings.Repeat("a", 1500) + strings.Repeat("b", 1500): strings.Repeat("a", 1000) + " … " + strings.Repeat("b", 1000),
	} {
		if got := Line(text); got != want {
			t.Errorf("%.40q is shown as %.60q, want %.60q", text, got, want)
		}
	}
	if got, want := Lines("a\n\tb\x1b"), "a\n\tb\\x1b"; got != want {
		t.Errorf("Lines: %q, want %q", got, want)
	}
}
