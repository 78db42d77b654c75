package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/reboot"
)

func someRacks() (reboot.Rolling, reboot.Progress) {
	r := reboot.Rolling{}
	for i, serial := range strings.Fields("a b c d e") {
		r.Targets = append(r.Targets, reboot.Target{Serial: serial, Rack: []int{3, 3, 0, 3, 0}[i]})
	}
	return r, reboot.Progress{Done: []int{0}, Skipped: []int{2}, Out: []reboot.Out{{Machine: 1}, {Machine: 3}}, Lost: map[int]int{4: 3}}
}

func TestARackHasALine(t *testing.T) {
	r, p := someRacks()
	got := strings.Join(racksOf(r, p, map[string]bool{"d": true}), "\n")
	if want := "rack 0: 0 of 2 done, 0 under way, 2 skipped\nrack 3: 1 of 3 done, 1 under way, 1 failed"; got != want {
		t.Errorf("%s", got)
	}
	var out bytes.Buffer
	printState(&out, r, p, []reboot.Trouble{{Serial: "d", Err: errors.New("x")}})
	if want := "done (1): a\nunder way (1): b\nskipped (1): c\ngiven up (1): e\nfailed: d: x\n"; out.String() != want {
		t.Errorf("%s", out.String())
	}
}

func TestRacksAreShownWhenTheyChange(t *testing.T) {
	var out bytes.Buffer
	d := rackDisplay{w: &out}
	for _, lines := range []rackLines{{"a 1", "b 1"}, {"a 1", "b 1"}, {"a 1", "b 2"}} {
		if err := d.show(lines); err != nil {
			t.Fatal(err)
		}
		d.say("waits")
	}
	d.close()
	if want := "a 1\nb 1\nwaits\nb 2\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
	out.Reset()
	d = rackDisplay{w: &out, terminal: true}
	d.say("waits")
	for _, lines := range []rackLines{{"a 1", "b 1"}, {"a 1", "b 2"}} {
		if err := d.show(lines); err != nil {
			t.Fatal(err)
		}
	}
	d.close()
	if text := out.String(); strings.Count(text, home) != 2 || !strings.HasSuffix(text, leaveAlternate+"waits\na 1\nb 2\n") {
		t.Errorf("%q", text)
	}
}

func TestAnEstimateSaysFromWhat(t *testing.T) {
	night, err := reboot.ParseWindow("22:00-05:00")
	if err != nil {
		t.Fatal(err)
	}
	got := estimateText(reboot.Budget{PerRack: 2, Unavailable: 9, Window: night}, reboot.Estimate{
		Machines: 30, Rounds: 4, Entries: 20, Each: 8 * time.Minute, Measured: 7, Total: 160 * time.Minute, Days: 2,
	})
	if want := "30 machines, at most 2 of a rack, at most 9 of the fleet, from 22:00 to 05:00: 4 rounds and 20 entries for CKE, " +
		"which takes one after the other; about 2h40m at 8m a restart (the mean of 7), on 2 days"; got != want {
		t.Errorf("%s", got)
	}
}
