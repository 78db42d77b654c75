package releasetime

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // a host may lack it

	"github.com/netresearch/go-cron"
)

// The default windows and their time zone. The windows contain every minute, so a
// release may be taken at any time. The zone is the one of the data centres of
// cybozu-go/neco, which Neco replaces.
const (
	DefaultWindows = "* * * * *"
	DefaultZone    = "Asia/Tokyo"
)

// maxWindows is the maximum number of cron expressions; more expressions are an error.
const maxWindows = 100

// fields are the fields of a cron expression. As in cron(8), if both the day of the month
// and the day of the week are given, a day matches if one of them does.
const fields = cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.DowOrDom

// Windows are the minutes in which a release may be taken, in a time zone.
type Windows struct {
	schedules []cron.Schedule
	zone      *time.Location
}

// Parse parses cron expressions of five fields, one on each line, and the IANA name of
// their time zone. It ignores empty lines.
func Parse(expressions, zone string) (Windows, error) {
	schedules, err := parseExpressions(expressions)
	if err != nil {
		return Windows{}, err
	}
	location, err := ParseZone(zone)
	if err != nil {
		return Windows{}, err
	}
	return Windows{schedules, location}, nil
}

// ParseZone returns the time zone with the IANA name, such as Asia/Tokyo. It refuses ""
// and "Local", because the zone of the host differs between hosts.
func ParseZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, errors.New("not the IANA name of a time zone")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q is unknown", name)
	}
	return zone, nil
}

func parseExpressions(text string) ([]cron.Schedule, error) {
	var schedules []cron.Schedule
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		schedule, err := parseExpression(line)
		if err != nil && line != strings.TrimSpace(text) {
			err = fmt.Errorf("%q: %w", line, err)
		}
		if err != nil {
			return nil, err
		}
		schedules = append(schedules, schedule)
	}
	switch {
	case len(schedules) == 0:
		return nil, errors.New("no cron expression")
	case len(schedules) > maxWindows:
		return nil, fmt.Errorf("%d cron expressions, more than %d", len(schedules), maxWindows)
	}
	return schedules, nil
}

// parseExpression parses one cron expression of five fields.
func parseExpression(line string) (cron.Schedule, error) {
	// A sixth word would be a year, or a time zone in front.
	if n := len(strings.Fields(line)); n != 5 {
		return nil, fmt.Errorf("not five fields but %d", n)
	}
	schedule, err := cron.MustNewParser(fields).Parse(line)
	if err != nil {
		text := strings.TrimPrefix(err.Error(), fmt.Sprintf("%q: ", line))
		return nil, errors.New(text)
	}
	return schedule, nil
}

// Never reports whether the windows contain no minute at all, such as a window on the
// 31st of February.
func (w Windows) Never() bool {
	// The schedules of the parser search some years ahead, leap years among them.
	any := time.Date(2024, 1, 1, 0, 0, 0, 0, w.zone)
	for _, s := range w.schedules {
		if !s.Next(any).IsZero() {
			return false
		}
	}
	return true
}

// Next returns the beginning of the first minute after the time after that belongs to a window; the
// zero time if there is none.
func (w Windows) Next(after time.Time) time.Time {
	var first time.Time
	for _, s := range w.schedules {
		if next := s.Next(after.In(w.zone)); !next.IsZero() && (first.IsZero() || next.Before(first)) {
			first = next
		}
	}
	return first
}

// Open reports whether the time at is in a minute that belongs to a window.
func (w Windows) Open(at time.Time) bool {
	minute := at.In(w.zone).Truncate(time.Minute)
	for _, s := range w.schedules {
		if s.Next(minute.Add(-time.Second)).Equal(minute) {
			return true
		}
	}
	return false
}
