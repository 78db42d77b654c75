package reboot_test

import (
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/reboot"
)

func TestAWindowIsOpenAtItsHours(t *testing.T) {
	at := func(text string) time.Time {
		now, err := time.ParseInLocation(time.DateTime, text+":30", time.FixedZone("JST", 9*60*60))
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	for _, tt := range []struct {
		window, now, opens string // opens is empty if it is open
	}{
		{"", "2026-12-01 03:00", ""},
		{"09:00-17:00", "2026-12-01 09:00", ""},
		{"09:00-17:00", "2026-12-01 16:59", ""},
		{"09:00-17:00", "2026-12-01 17:00", "2026-12-02 09:00"},
		{"09:00-17:00", "2026-12-01 08:59", "2026-12-01 09:00"},
		{"22:00-05:00", "2026-12-31 21:59", "2026-12-31 22:00"},
		{"22:00-05:00", "2026-12-31 23:59", ""},
		{"22:00-05:00", "2026-12-01 00:00", ""},
		{"22:00-05:00", "2026-12-01 05:00", "2026-12-01 22:00"},
		{"22:30-00:00", "2026-12-31 00:00", "2026-12-31 22:30"},
		{"00:00-05:00", "2026-12-31 06:00", "2027-01-01 00:00"},
	} {
		var w reboot.Window
		if err := w.UnmarshalText([]byte(tt.window)); err != nil {
			t.Fatal(err)
		}
		now := at(tt.now)
		want := now
		if tt.opens != "" {
			want = at(tt.opens).Truncate(time.Minute)
		}
		if w.Open(now) != (tt.opens == "") || !w.Opens(now).Equal(want) || w.String() != tt.window {
			t.Errorf("%q at %s: opens %s, want %s", w, tt.now, w.Opens(now), want)
		}
	}
}

func TestAWrongWindowIsRefused(t *testing.T) {
	for _, text := range []string{"", "22:00", "22-05", "22:00-24:00", "22:00-05:60", "22:00-22:00", "22:00-05:00-06:00", "a-b"} {
		if w, err := reboot.ParseWindow(text); err == nil {
			t.Errorf("%q is the window %s", text, w)
		}
	}
	for text, want := range map[string]time.Duration{"09:00-17:00": 8 * time.Hour, "22:00-05:00": 7 * time.Hour, "22:00-00:00": 2 * time.Hour} {
		if w, err := reboot.ParseWindow(text); err != nil || w.Length() != want {
			t.Errorf("%s is %s long, %v", text, w.Length(), err)
		}
	}
}
