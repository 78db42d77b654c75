package artifacts

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/go-version"
)

var (
	// ErrNone reports that none of the versions on offer counts.
	ErrNone = errors.New("no version counts")
	// ErrBackwards reports that the newest version that counts is older than the current one.
	ErrBackwards = errors.New("older than the current version")
)

// minDots is the minimum number of dots between the numbers of a version. A tag with fewer dots, such as 2.0,
// names a series of versions and is moved from one to the next.
const minDots = 2

// choice selects one version among those on offer.
type choice struct {
	// current is the version in the present artifact set.
	current string
	// ignored are versions that do not count.
	ignored []string
	// stable leaves out pre-releases.
	stable bool
	// sameMajor leaves out versions with another first number than current.
	sameMajor bool
}

// newest returns the highest version in offered that counts. Of equal versions it returns
// the current one, or else the first in lexical order. It fails with ErrNone or
// ErrBackwards.
func (c choice) newest(offered []string) (string, error) {
	counted, err := c.counted(offered)
	if err != nil {
		return "", err
	}
	best := slices.MaxFunc(counted, func(a, b candidate) int {
		return cmp.Or(a.number.Compare(b.number), c.preference(a.text)-c.preference(b.text), cmp.Compare(b.text, a.text))
	})
	return best.text, c.forward(best)
}

// first returns the first version in offered that counts. It fails with ErrNone or
// ErrBackwards.
func (c choice) first(offered []string) (string, error) {
	counted, err := c.counted(offered)
	if err != nil {
		return "", err
	}
	return counted[0].text, c.forward(counted[0])
}

// candidate is a version on offer.
type candidate struct {
	text   string
	number *version.Version
}

// counted returns the versions in offered that count, in the same order, at least one.
func (c choice) counted(offered []string) ([]candidate, error) {
	current, err := parse(c.current)
	if err != nil {
		return nil, fmt.Errorf("the current version: %w", err)
	}
	var counted []candidate
	for _, text := range offered {
		number, err := parse(text)
		switch {
		case err != nil, slices.Contains(c.ignored, text):
		case c.stable && number.Prerelease() != "":
		case c.sameMajor && number.Segments64()[0] != current.Segments64()[0]:
		default:
			counted = append(counted, candidate{text, number})
		}
	}
	if len(counted) == 0 {
		return nil, fmt.Errorf("%w: %d are offered, and it must be %s", ErrNone, len(offered), c.rule(current))
	}
	return counted, nil
}

// rule returns what a version must be to count, as the end of an error message.
func (c choice) rule(current *version.Version) string {
	rule := "three or more numbers"
	if c.sameMajor {
		rule += fmt.Sprintf(", of which the first is %d", current.Segments64()[0])
	}
	if c.stable {
		rule += ", not a pre-release"
	}
	if len(c.ignored) > 0 {
		rule += ", not one of the ignored " + strings.Join(c.ignored, ", ")
	}
	return rule
}

func (c choice) preference(text string) int {
	if text == c.current {
		return 1
	}
	return 0
}

// forward returns ErrBackwards if chosen is older than the current version, unless the
// current version is ignored. A server that lacks the version in use has lost it, or sends an
// incomplete list.
func (c choice) forward(chosen candidate) error {
	current, err := parse(c.current)
	if err != nil {
		return err
	}
	if slices.Contains(c.ignored, c.current) || !chosen.number.LessThan(current) {
		return nil
	}
	return fmt.Errorf("the newest version that counts is %s: %w %s; if that one is not to be used any more, add it to the ignored versions",
		chosen.text, ErrBackwards, c.current)
}

// parse parses a version of three or more numbers, such as 2.0.9.1 or v1.4.0-rc.1.
func parse(text string) (*version.Version, error) {
	numbers, _, _ := strings.Cut(text, "-")
	if strings.Count(numbers, ".") < minDots {
		return nil, fmt.Errorf("%q is not a version of three or more numbers", text)
	}
	number, err := version.NewSemver(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a version: %w", text, err)
	}
	return number, nil
}
