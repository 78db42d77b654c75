package fleet_test

import (
	"strings"
	"testing"

	"github.com/cybozu-go/neco/pkg/fleet"
)

func TestOnlyLinesAboutTheMetricsAreDecoded(t *testing.T) {
	for text, want := range map[string]string{
		"a 0\nab 1\nb_a 2\na{x=\"y\"} 3\na\t4\n":                       "a 0\na{x=\"y\"} 3\na\t4\n",
		"# HELP a about\n# TYPE a gauge\n# TYPE ab gauge\n  a 1\nab 2": "# TYPE a gauge\n  a 1\n",
		"{\"a\",x=\"y\"} 1\n{\"c\"} 2\nb 1":                            "{\"a\",x=\"y\"} 1\nb 1\n",
		"a 1\r\nc 2\r\n":                                               "a 1\n",
		"c 1\nd 2\n":                                                   "c 1\n", // the first line, if there is none
		"<html>\n":                                                     "<html>\n",
		"":                                                             "\n",
	} {
		got, err := fleet.Choose(strings.NewReader(text), []string{"a", "b"})
		if err != nil || string(got) != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		strings.Repeat("x", 65<<10):       "a line has more than 64 KiB",
		strings.Repeat("c 1\n", 1<<20+10): "more than 4 MiB",
	} {
		if _, err := fleet.Choose(strings.NewReader(text), []string{"a"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestAPanicOfTheDecoderIsAnError: the library panics with this text.
func TestAPanicOfTheDecoderIsAnError(t *testing.T) {
	_, err := fleet.Parse([]byte("# TYPE s summary\nother 1\n{s,foo=\"x\"} 1\n"))
	if err == nil || !strings.Contains(err.Error(), "the decoder cannot read it") {
		t.Errorf("error %v", err)
	}
}

func FuzzMetrics(f *testing.F) {
	f.Add("# TYPE a gauge\na{x=\"y\"} 1\nb 2\n")
	f.Fuzz(func(t *testing.T, text string) {
		chosen, err := fleet.Choose(strings.NewReader(text), []string{"a"})
		_, _ = fleet.Parse(chosen)
		if err == nil && len(chosen) > len(text)+1 {
			t.Errorf("%q of %q", chosen, text)
		}
	})
}
