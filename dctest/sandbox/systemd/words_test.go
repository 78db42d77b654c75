package systemd

import (
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"
)

func TestSplitWords(t *testing.T) {
	cases := map[string]struct {
		text string
		want []string
		ok   bool
	}{
		"nothing":                         {"", nil, true},
		"words":                           {"  a b\tc ", []string{"a", "b", "c"}, true},
		"quotes around a word":            {`"a b" 'c d'`, []string{"a b", "c d"}, true},
		"quotes inside a word":            {`a="b c"d`, []string{"a=b cd"}, true},
		"quotes in quotes":                {`"it's" 'say "x"'`, []string{"it's", `say "x"`}, true},
		"an empty word":                   {`a ""`, []string{"a", ""}, true},
		"escapes":                         {`a\ b "\n" \x41 \s \q`, []string{`a\ b`, "\n", "A", " ", `\q`}, true},
		"a backslash at the end":          {`a\`, []string{`a\`}, true},
		"a quote that is not closed":      {`"a`, nil, false},
		"a quote that is escaped, inside": {`"a\"b"`, []string{`a"b`}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := splitWords(c.text)
			if (err == nil) != c.ok {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExpandVariables(t *testing.T) {
	env := []string{"A=one two", "E=", "A1=x"}
	cases := map[string]struct{ in, want []string }{
		"a word of its own is split":  {[]string{"$A"}, []string{"one", "two"}},
		"with braces it is one word":  {[]string{"${A}", "x${A}y"}, []string{"one two", "xone twoy"}},
		"an empty one vanishes":       {[]string{"$E", "$NONE", "${E}"}, []string{""}},
		"inside a word it is no name": {[]string{"x$A"}, []string{"x$A"}},
		"two dollars are one":         {[]string{"$$A", "$${A}", "$$"}, []string{"$A", "${A}", "$"}},
		"names may have digits":       {[]string{"$A1"}, []string{"x"}},
		"what is no name stays":       {[]string{"$1", "${", "${}", "$"}, []string{"$1", "${", "${}", "$"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, expandVariables(c.in, env)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseSpan(t *testing.T) {
	cases := map[string]struct {
		want time.Duration
		ok   bool
	}{
		"5":          {5 * time.Second, true},
		"1min 30s":   {90 * time.Second, true},
		"2h":         {2 * time.Hour, true},
		"100ms":      {100 * time.Millisecond, true},
		"1.5 s":      {1500 * time.Millisecond, true},
		"1 d 2hours": {26 * time.Hour, true},
		"infinity":   {0, true},
		"":           {0, true},
		"soon":       {0, false},
		"5 parsecs":  {0, false},
		"-1":         {0, false},
	}
	for text, c := range cases {
		t.Run(text, func(t *testing.T) {
			got, err := parseSpan(text)
			if got != c.want || (err == nil) != c.ok {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

func TestUnitPathsAreReversible(t *testing.T) {
	for name, want := range map[string]string{
		"neco-worker.service": unitPathStart + "neco_2dworker_2eservice",
		"7@a_b.service":       unitPathStart + "_37_40a_5fb_2eservice",
	} {
		if got := string(unitPath(name)); got != want {
			t.Errorf("path of %s is %s", name, got)
		}
		if back, ok := unitOfPath(unitPath(name)); !ok || back != name {
			t.Errorf("%s comes back as %s", name, back)
		}
	}
	for _, bad := range []string{"/org/freedesktop/systemd1", unitPathStart + "a_zz"} {
		if name, ok := unitOfPath(dbus.ObjectPath(bad)); ok {
			t.Errorf("%s is %s", bad, name)
		}
	}
}

func FuzzUnitFile(f *testing.F) {
	f.Add("[Service]\nExecStart=-/bin/echo \"a b\" ${C}\nRestart=always\n")
	f.Add("[Unit]\nConditionPathExists=|!/x\n[Service]\nTimeoutSec=1min 5s\nKillSignal=INT\n")
	f.Fuzz(func(t *testing.T, text string) {
		h := t.TempDir()
		l := newLoader(h)
		writeUnit(t, h, text)
		d := l.load("a.service")
		if d.err == nil && !d.masked && len(d.start)+len(d.stop) == 0 {
			t.Error("a service without commands is good")
		}
	})
}
