package systemd

import (
	"os"
	"path/filepath"
	"strings"
)

// check reports whether a condition on a path holds. err is the result of os.Stat for
// that path.
type check func(info os.FileInfo, err error) bool

func conditionPathExists(_ os.FileInfo, err error) bool { return err == nil }

func conditionFileNotEmpty(info os.FileInfo, err error) bool {
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

func conditionPathIsDirectory(info os.FileInfo, err error) bool { return err == nil && info.IsDir() }

// condition is a condition for the start of a unit. If it does not hold, the unit is not
// started, which is not a failure. If a unit has triggering conditions, which are written
// with the prefix "|", one of these has to hold.
type condition struct {
	path     string
	check    check
	negate   bool
	triggers bool
}

func addCondition(c check) setting {
	return func(d *definition, value string) error {
		if value == "" {
			d.conditions = nil
			return nil
		}
		cond := condition{check: c}
		value, cond.triggers = strings.CutPrefix(value, "|")
		cond.path, cond.negate = strings.CutPrefix(value, "!")
		d.conditions = append(d.conditions, cond)
		return nil
	}
}

// conditionsMet reports whether a unit with these conditions may be started. Paths in the
// conditions are below root.
func conditionsMet(root string, conditions []condition) bool {
	triggers, triggered := 0, false
	for _, c := range conditions {
		info, err := os.Stat(filepath.Join(root, c.path))
		met := c.check(info, err) != c.negate
		switch {
		case c.triggers:
			triggers++
			triggered = triggered || met
		case !met:
			return false
		}
	}
	return triggers == 0 || triggered
}
