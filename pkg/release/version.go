package release

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// TestVersion is the version of packages that are built for the environment "test". It is
// newer than every released version.
const TestVersion = "9999.12.31-99999"

const (
	dateLayout      = "2006.01.02"
	maxSerialDigits = 18 // always fits in an int64
)

// Version is the version of a release and of its neco package.
//
// In text, the date is padded with zeros and the serial is not.
type Version struct {
	// Date is the day of the release as the number YYYYMMDD.
	Date int
	// Serial distinguishes releases of the same day. A later release may have a smaller
	// serial.
	Serial int64
}

// Parse parses a version of the exact format YYYY.MM.DD-SERIAL.
func Parse(text string) (Version, error) {
	date, serial, found := strings.Cut(text, "-")
	if !found || !isSerial(serial) {
		return Version{}, badVersion(text)
	}
	day, err := time.Parse(dateLayout, date)
	if err != nil || day.Format(dateLayout) != date {
		return Version{}, badVersion(text)
	}
	n, err := strconv.ParseInt(serial, 10, 64)
	if err != nil {
		return Version{}, badVersion(text)
	}
	return Version{Date: dateOf(day), Serial: n}, nil
}

// dateOf returns the day of t as the number YYYYMMDD.
func dateOf(t time.Time) int { return t.Year()*10000 + int(t.Month())*100 + t.Day() }

// ParseTag returns the version from the tag of a release: the part after the first
// hyphen, as in "release-2022.05.25-1".
func ParseTag(tag string) (Version, error) {
	prefix, rest, found := strings.Cut(tag, "-")
	if !found || prefix == "" {
		return Version{}, fmt.Errorf("tag %q: no version after a hyphen", tag)
	}
	v, err := Parse(rest)
	if err != nil {
		return Version{}, fmt.Errorf("tag %q: %w", tag, err)
	}
	return v, nil
}

// Compare orders versions by date, then by serial. It is negative if v is older than w,
// zero if they are equal, and positive if v is newer.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Date, w.Date), cmp.Compare(v.Serial, w.Serial))
}

// String returns the version in the format that Parse accepts.
func (v Version) String() string {
	return fmt.Sprintf("%04d.%02d.%02d-%d", v.Date/10000, v.Date/100%100, v.Date%100, v.Serial)
}

// isSerial reports whether text is a decimal number without leading zeros.
func isSerial(text string) bool {
	if text == "" || len(text) > maxSerialDigits || (text[0] == '0' && text != "0") {
		return false
	}
	return strings.Trim(text, "0123456789") == ""
}

func badVersion(text string) error {
	return fmt.Errorf("version %q: want YYYY.MM.DD-SERIAL", text)
}

// Order compares the versions a and b like Version.Compare. It fails if one of them is
// malformed.
func Order(a, b string) (int, error) {
	va, err := Parse(a)
	if err != nil {
		return 0, err
	}
	vb, err := Parse(b)
	if err != nil {
		return 0, err
	}
	return va.Compare(vb), nil
}
