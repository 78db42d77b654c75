// Package duration parses the durations that an operator gives, in flags and in the
// configuration, and prints those that an operator sees: Go's syntax, and days.
package duration

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Day is the unit that Go's syntax does not have: 24 hours.
const Day = 24 * time.Hour

// errSyntax is the one text for whatever is not a duration.
var errSyntax = errors.New("not a duration: give numbers with units, like 90s, 10m, 12h, 1d12h or 90d")

// Parse reads a duration such as 10m, 90d or 1d12h. Days are whole and come first.
func Parse(text string) (time.Duration, error) {
	number, rest, hasDays := strings.Cut(text, "d")
	if !hasDays {
		number, rest = "0", text
	}
	days, err := strconv.ParseUint(number, 10, 31)
	if err != nil || hasDays && strings.HasPrefix(rest, "-") {
		return 0, errSyntax
	}
	var d time.Duration
	if rest != "" || !hasDays {
		if d, err = time.ParseDuration(rest); err != nil {
			return 0, errSyntax
		}
	}
	if time.Duration(days) > (math.MaxInt64-max(d, 0))/Day {
		return 0, errors.New("too long")
	}
	return time.Duration(days)*Day + d, nil
}

// Text returns d as an operator would write it: 31d, 1d12h, 1h30m. Parse reads it back
// unless it is negative.
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

// Value is a flag that takes a duration (pflag.Value).
type Value time.Duration

// Var returns the flag whose value is kept in d.
func Var(d *time.Duration) *Value { return (*Value)(d) }

// String returns "0" for zero, which is not shown as a default.
func (v *Value) String() string {
	if *v == 0 {
		return "0"
	}
	return Text(time.Duration(*v))
}

// Type is what the usage calls the value.
func (v *Value) Type() string { return "duration" }

// Set reads the value.
func (v *Value) Set(text string) error {
	d, err := Parse(text)
	if err == nil && d < 0 {
		err = errors.New("it is negative")
	}
	if err == nil {
		*v = Value(d)
	}
	return err
}
