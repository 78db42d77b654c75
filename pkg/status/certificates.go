package status

import (
	"fmt"
	"time"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/pkg/storage"
)

// WarnWithin is the remaining validity of a certificate below which there is a warning.
// Certificates are normally renewed earlier.
const WarnWithin = 30 * 24 * time.Hour

// Certificates is what a boot server reports about its certificates.
type Certificates struct {
	// Purpose is the profile and NotAfter the end of validity of the certificate that
	// expires first.
	Purpose  string    `json:"purpose,omitempty"`
	NotAfter time.Time `json:"not_after"`
	// Error is why the certificates cannot be renewed, and Since is when this was first
	// reported.
	Error string    `json:"error,omitempty"`
	Since time.Time `json:"since"`
	// Warning is true if an operator has to act: a certificate cannot be renewed, or
	// expires soon.
	Warning bool `json:"warning"`
}

// certificates returns what the view shows of the report c at the time now.
func certificates(c storage.Certificates, now time.Time) *Certificates {
	return &Certificates{
		Purpose: clean(c.Purpose), NotAfter: c.NotAfter, Error: clean(c.Error), Since: c.Since,
		Warning: c.Error != "" || c.NotAfter.Sub(now) < WarnWithin,
	}
}

// certificateProblems returns a problem for each boot server with a certificate that
// cannot be renewed or expires soon.
func (v View) certificateProblems() []problem {
	var all []problem
	for _, s := range v.Servers {
		if c := s.Certificates; c != nil && c.Warning {
			all = append(all, ofServer(s.LRN, c.warning(v.At), "neco cert list"))
		}
	}
	return all
}

func (c Certificates) warning(now time.Time) string {
	text := ""
	switch left := c.NotAfter.Sub(now); {
	case c.Purpose == "":
	case left <= 0:
		text = fmt.Sprintf("certificate %s has expired at %s", c.Purpose, stamp(&c.NotAfter))
	default:
		text = fmt.Sprintf("certificate %s expires at %s, in %s", c.Purpose, stamp(&c.NotAfter), wholeDays(left))
	}
	switch {
	case c.Error == "":
		return text
	case text != "":
		text += "; "
	}
	return text + fmt.Sprintf("no renewal since %s: %s", stamp(&c.Since), shorten(c.Error))
}

// wholeDays returns d as text in whole days, so that a text which contains it changes
// at most once a day.
func wholeDays(d time.Duration) string {
	if d < duration.Day {
		return "less than " + duration.Text(duration.Day)
	}
	return duration.Text(d.Truncate(duration.Day))
}
