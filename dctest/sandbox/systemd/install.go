package systemd

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// installInfo holds the settings in the section [Install] of a unit file.
type installInfo struct {
	wantedBy, requiredBy, alias, also []string
}

// change is one link that was created or removed, as D-Bus reports it.
type change struct {
	Kind, File, Target string
}

// links returns the links that enable the unit, as paths below the root.
func (d *definition) links() []string {
	var links []string
	add := func(targets []string, suffix string) {
		for _, target := range targets {
			links = append(links, filepath.Join(dirAdmin, target+suffix, d.name))
		}
	}
	add(d.install.wantedBy, ".wants")
	add(d.install.requiredBy, ".requires")
	for _, alias := range d.install.alias {
		links = append(links, filepath.Join(dirAdmin, alias))
	}
	return links
}

// enable creates the links that enable the units, and the units in their Also= settings.
// carries is true if one of these units has settings for its installation.
func (l *loader) enable(names []string) (carries bool, changes []change, err error) {
	todo := slices.Clone(names)
	for i := 0; i < len(todo); i++ {
		d := l.load(todo[i])
		if d.missing {
			return carries, changes, errNoSuchUnit("Unit file " + d.name + " does not exist.")
		}
		if d.masked {
			return carries, changes, errMasked(d.name)
		}
		made, err := l.linkAll(d)
		if err != nil {
			return carries, changes, fmt.Errorf("enable %s: %w", d.name, err)
		}
		carries = carries || len(d.links()) > 0
		changes = append(changes, made...)
		for _, also := range d.install.also {
			if !slices.Contains(todo, also) {
				todo = append(todo, also)
			}
		}
	}
	return carries, changes, nil
}

// linkAll creates the links of one unit.
func (l *loader) linkAll(d *definition) (changes []change, err error) {
	for _, link := range d.links() {
		made, err := l.link(link, d.fragment)
		if err != nil {
			return changes, err
		}
		if made {
			changes = append(changes, change{"symlink", link, d.fragment})
		}
	}
	return changes, nil
}

// link creates a link unless it exists, and reports whether it created one.
func (l *loader) link(file, target string) (made bool, err error) {
	path := l.path(file)
	if old, err := os.Readlink(path); err == nil && old == target {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, err
	}
	return true, os.Symlink(target, path)
}

// disable removes every link that enables a unit.
func (l *loader) disable(name string) ([]change, error) {
	var changes []change
	files := l.enablingLinks(name)
	for _, alias := range l.load(name).install.alias {
		files = append(files, filepath.Join(dirAdmin, alias))
	}
	for _, file := range files {
		err := os.Remove(l.path(file))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return changes, fmt.Errorf("disable %s: %w", name, err)
		}
		changes = append(changes, change{"unlink", file, ""})
	}
	return changes, nil
}

// enablingLinks returns the existing links in .wants and .requires directories that
// enable a unit.
func (l *loader) enablingLinks(name string) []string {
	var links []string
	for _, kind := range []string{".wants", ".requires"} {
		matches, err := filepath.Glob(filepath.Join(l.path(dirAdmin), "*"+kind, name))
		if err != nil {
			continue // a name with a bracket is not a unit name
		}
		for _, match := range matches {
			links = append(links, filepath.Join(dirAdmin, filepath.Base(filepath.Dir(match)), name))
		}
	}
	return links
}

// fileState returns what "systemctl is-enabled" prints for a unit.
func (l *loader) fileState(name string) (string, error) {
	d := l.load(name)
	switch {
	case d.missing:
		return "", errNoFile("Unit file " + name + " does not exist.")
	case d.masked:
		return "masked", nil
	case len(l.enablingLinks(name)) > 0:
		return "enabled", nil
	case len(d.links()) == 0:
		return "static", nil
	}
	return "disabled", nil
}

// enabled returns the units that are started at boot.
func (l *loader) enabled() []string {
	var found []string
	for _, dir := range unitDirs() {
		for _, target := range []string{"multi-user.target", "default.target", "basic.target", "sysinit.target", "timers.target"} {
			entries, err := os.ReadDir(filepath.Join(l.path(dir), target+".wants"))
			if err != nil {
				continue
			}
			for _, e := range entries {
				if strings.Contains(e.Name(), ".") {
					found = append(found, e.Name())
				}
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
