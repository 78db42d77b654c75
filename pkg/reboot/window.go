package reboot

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Window is the hours of each day in which restarts may begin, as times of the clock on the wall.
// The zero value is the whole day.
type Window struct {
	// from and to are minutes since midnight. If to is not after from, it is on the next day.
	from, to int
}

// windowFormat is the format of both times of a window.
const windowFormat = "15:04"

// ParseWindow parses a text such as 22:00-05:00. Both times must differ.
func ParseWindow(text string) (Window, error) {
	first, last, ok := strings.Cut(text, "-")
	from, err := time.Parse(windowFormat, first)
	to, errTo := time.Parse(windowFormat, last)
	if !ok || err != nil || errTo != nil {
		return Window{}, fmt.Errorf("%q is not a window of hours such as 22:00-05:00", text)
	}
	if from.Equal(to) {
		return Window{}, errors.New("the window has no end: both times are the same")
	}
	return Window{minute(from), minute(to)}, nil
}

func minute(t time.Time) int { return t.Hour()*60 + t.Minute() }

// IsZero reports whether the window is the whole day.
func (w Window) IsZero() bool { return w == Window{} }

// String returns the window as ParseWindow takes it, or "" for the whole day.
func (w Window) String() string {
	if w.IsZero() {
		return ""
	}
	return fmt.Sprintf("%02d:%02d-%02d:%02d", w.from/60, w.from%60, w.to/60, w.to%60)
}

// MarshalText returns the text of String.
func (w Window) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText parses what MarshalText has returned.
func (w *Window) UnmarshalText(text []byte) (err error) {
	*w = Window{}
	if len(text) > 0 {
		*w, err = ParseWindow(string(text))
	}
	return err
}

// Open reports whether t is in the window, in the time zone of t. The first minute belongs to it,
// and the last does not.
func (w Window) Open(t time.Time) bool {
	now := minute(t)
	switch {
	case w.IsZero():
		return true
	case w.from < w.to:
		return now >= w.from && now < w.to
	}
	return now >= w.from || now < w.to
}

// Opens returns when the window opens next: t if it is open, and otherwise a time of this or of the
// next day in the time zone of t.
func (w Window) Opens(t time.Time) time.Time {
	if w.Open(t) {
		return t
	}
	day := t.Day()
	if minute(t) > w.from {
		day++
	}
	return time.Date(t.Year(), t.Month(), day, w.from/60, w.from%60, 0, 0, t.Location())
}

// Length returns how long the window is open on a day without a change of the clock.
func (w Window) Length() time.Duration {
	if w.IsZero() {
		return 24 * time.Hour
	}
	return time.Duration((w.to-w.from+24*60)%(24*60)) * time.Minute
}
