// Package duration parses durations in flags and in the configuration, and formats
// durations for operators. Its syntax is the syntax of Go with days in addition.
package duration

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// Day is 24 hours. Go's syntax has no unit for it.
	Day = 24 * time.Hour
	// Longest is the longest duration that a time.Duration can hold.
	Longest time.Duration = math.MaxInt64
)

// errSyntax is the error for a text that is not a duration.
var errSyntax = errors.New("not a duration")

// syntax matches Go's syntax, including numbers that are too big for
// time.ParseDuration.
var syntax = regexp.MustCompile(`^-?([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$`)

// Range returns a text for operators with the shortest and the longest accepted
// duration, and examples between them.
func Range(least, most time.Duration) string {
	text := fmt.Sprintf("a duration from %s to %s", Text(least), Text(most))
	sep := ", like "
	for _, d := range []time.Duration{10 * time.Minute, 36 * time.Hour, 90 * time.Minute, 90 * time.Second} {
		if d >= least && d <= most && sep != "" {
			text += sep + Text(d)
			sep = map[string]string{", like ": " or "}[sep]
		}
	}
	return text
}

// Parse parses a duration such as 10m, 90d or 1d12h. Days are whole numbers and come
// first. It fails if text is not a duration, or the duration is shorter than least or
// longer than most. The error does not contain text; [Range] describes the accepted
// durations.
func Parse(text string, least, most time.Duration) (time.Duration, error) {
	d, err := parse(text)
	switch {
	case err != nil:
		return 0, err
	case d < least:
		return 0, fmt.Errorf("shorter than %s", Text(least))
	case d > most:
		return 0, fmt.Errorf("longer than %s", Text(most))
	}
	return d, nil
}

// parse parses a duration of any length. If the duration exceeds time.Duration, it
// returns Longest.
func parse(text string) (time.Duration, error) {
	number, rest, hasDays := strings.Cut(text, "d")
	if !hasDays {
		number, rest = "0", text
	}
	days, err := strconv.ParseUint(number, 10, 31)
	if err != nil && !errors.Is(err, strconv.ErrRange) || hasDays && strings.HasPrefix(rest, "-") {
		return 0, errSyntax
	}
	var d time.Duration
	if rest != "" || !hasDays {
		switch d, err = time.ParseDuration(rest); {
		case err == nil:
		case syntax.MatchString(rest) && strings.HasPrefix(rest, "-"):
			return -Longest, nil
		case syntax.MatchString(rest):
			return Longest, nil
		default:
			return 0, errSyntax
		}
	}
	if time.Duration(days) > (Longest-max(d, 0))/Day {
		return Longest, nil
	}
	return time.Duration(days)*Day + d, nil
}

// Text returns d as an operator would write it, for example 31d, 1d12h or 1h30m. Parse
// accepts the result unless d is negative.
func Text(d time.Duration) string {
	days := ""
	if d >= Day {
		days = strconv.FormatInt(int64(d/Day), 10) + "d"
		if d %= Day; d == 0 {
			return days
		}
	}
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-len("0s")]
		}
	}
	return days + text
}

// Value is the value of a flag for a duration. It implements pflag.Value.
type Value struct {
	d           *time.Duration
	least, most time.Duration
}

// Var returns a flag that stores its value in d and accepts durations from least to
// most. If *d is zero, the flag has no default.
func Var(d *time.Duration, least, most time.Duration) *Value { return &Value{d, least, most} }

// String returns the duration as Text does, or "0" for zero, which the help does not
// show as a default.
func (v *Value) String() string {
	if v.d == nil || *v.d == 0 {
		return "0"
	}
	return Text(*v.d)
}

// Type returns the name of the value that the help of the flag shows.
func (v *Value) Type() string { return "duration" }

// Set parses text and stores the duration.
func (v *Value) Set(text string) error {
	d, err := Parse(text, v.least, v.most)
	if err != nil {
		return fmt.Errorf("%w; it takes %s", err, Range(v.least, v.most))
	}
	*v.d = d
	return nil
}
