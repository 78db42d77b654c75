package backup

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// These constants are the parts of the file name of a snapshot.
const (
	prefix     = "snapshot-"
	suffix     = ".db.age"
	timeLayout = "20060102T150405Z"
)

// Name identifies a snapshot. Its text is the name of the file.
type Name struct {
	// Time is the time at which the snapshot was taken, in UTC and whole seconds.
	Time time.Time
	// Revision is the last revision of etcd in the snapshot.
	Revision int64
}

// String returns the file name of the snapshot.
func (n Name) String() string {
	return prefix + n.Time.UTC().Format(timeLayout) + "-" + strconv.FormatInt(n.Revision, 10) + suffix
}

// ParseName parses a file name in exactly the form that String returns.
func ParseName(text string) (Name, error) {
	rest, ok := strings.CutPrefix(text, prefix)
	middle, ok2 := strings.CutSuffix(rest, suffix)
	at, rev, ok3 := strings.Cut(middle, "-")
	t, err := time.Parse(timeLayout, at)
	n, err2 := strconv.ParseInt(rev, 10, 64)
	name := Name{t, n}
	if !ok || !ok2 || !ok3 || err != nil || err2 != nil || n < 1 || name.String() != text {
		return Name{}, fmt.Errorf("%.80q is not the name of a snapshot, such as %s", text, example)
	}
	return name, nil
}

const example = prefix + "20240102T150405Z-1234" + suffix
