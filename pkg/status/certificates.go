package status

import (
	"fmt"
	"time"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/pkg/storage"
)

// WarnWithin is how long before the end of a certificate there is a warning:
// each was to be renewed before.
const WarnWithin = 30 * 24 * time.Hour

// Certificates is what a boot server says of its certificates.
type Certificates struct {
	// Purpose and NotAfter are of the one that ends first.
	Purpose  string    `json:"purpose,omitempty"`
	NotAfter time.Time `json:"not_after"`
	// Error is why they cannot be renewed, Since when that has been so.
	Error string    `json:"error,omitempty"`
	Since time.Time `json:"since"`
	// Warning says that somebody has to look: it cannot be renewed, or ends
	// soon.
	Warning bool `json:"warning"`
}

// certificates is the view of what a boot server reports of its certificates.
func certificates(c storage.Certificates, now time.Time) *Certificates {
	return &Certificates{
		Purpose: clean(c.Purpose), NotAfter: c.NotAfter, Error: clean(c.Error), Since: c.Since,
		Warning: c.Error != "" || c.NotAfter.Sub(now) < WarnWithin,
	}
}

// certificateProblems are the certificates that somebody has to look at.
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
		text = fmt.Sprintf("certificate %s ends %s, in %s", c.Purpose, stamp(&c.NotAfter), wholeDays(left))
	}
	switch {
	case c.Error == "":
		return text
	case text != "":
		text += "; "
	}
	return text + fmt.Sprintf("no renewal since %s: %s", stamp(&c.Since), shorten(c.Error))
}

// wholeDays is d without hours: a problem keeps its text for a day.
func wholeDays(d time.Duration) string {
	if d < duration.Day {
		return "less than " + duration.Text(duration.Day)
	}
	return duration.Text(d.Truncate(duration.Day))
}
