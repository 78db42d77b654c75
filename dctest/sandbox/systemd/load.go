package systemd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	unitfile "github.com/coreos/go-systemd/v22/unit"
)

// dirAdmin is the directory for unit files of the administrator, below the root.
const dirAdmin = "/etc/systemd/system"

// unitDirs returns the directories of unit files below a root, in descending
// precedence.
func unitDirs() []string {
	return []string{dirAdmin, "/run/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"}
}

// loader reads unit files below a root.
type loader struct {
	root     string
	settings map[string]setting
}

func newLoader(root string) *loader { return &loader{root: root, settings: settings()} }

func (l *loader) path(name string) string { return filepath.Join(l.root, name) }

// load reads the file and the drop-ins of a unit. An error is stored in the definition's
// field err.
func (l *loader) load(name string) *definition {
	d := newDefinition(name)
	d.fragment = l.find(name)
	if d.fragment == "" {
		d.missing = true
		return d
	}
	if l.isMasked(d.fragment) {
		d.masked = true
		return d
	}
	for _, file := range append([]string{d.fragment}, l.dropIns(name)...) {
		if err := l.read(d, file); err != nil && d.err == nil {
			d.err = fmt.Errorf("%s: %w", file, err)
		}
	}
	d.finish()
	return d
}

// find returns the path of a unit's file below the root, or "" if there is none. An
// instance such as a@b.service uses the file of its template a@.service.
func (l *loader) find(name string) string {
	for _, file := range names(name) {
		for _, dir := range unitDirs() {
			candidate := filepath.Join(dir, file)
			if info, err := os.Lstat(l.path(candidate)); err == nil && !info.IsDir() {
				return candidate
			}
		}
	}
	return ""
}

// files returns the names of all unit files, sorted.
func (l *loader) files() []string {
	var found []string
	for _, dir := range unitDirs() {
		entries, err := os.ReadDir(l.path(dir))
		if err != nil {
			continue // no such directory
		}
		for _, e := range entries {
			if !e.IsDir() && isUnitName(e.Name()) {
				found = append(found, e.Name())
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func names(name string) []string {
	prefix, rest, isTemplate := strings.Cut(name, "@")
	if dot := strings.LastIndexByte(rest, '.'); isTemplate && dot > 0 {
		return []string{name, prefix + "@" + rest[dot:]}
	}
	return []string{name}
}

// isMasked reports whether the unit is masked by its file, which is then empty or a link
// to /dev/null.
func (l *loader) isMasked(fragment string) bool {
	if target, err := os.Readlink(l.path(fragment)); err == nil && target == "/dev/null" {
		return true
	}
	info, err := os.Stat(l.path(fragment))
	return err == nil && info.Size() == 0
}

// dropIns returns the drop-in files of a unit, sorted by file name. If several
// directories have a file of the same name, only that in the directory with the highest
// precedence counts.
func (l *loader) dropIns(name string) []string {
	found := map[string]string{}
	for _, file := range names(name) {
		for _, dir := range unitDirs() {
			matches, err := filepath.Glob(filepath.Join(l.path(dir), file+".d", "*.conf"))
			if err != nil {
				continue
			}
			for _, match := range matches {
				base := filepath.Base(match)
				if _, known := found[base]; !known {
					found[base] = filepath.Join(dir, file+".d", base)
				}
			}
		}
	}
	files := make([]string, 0, len(found))
	for _, file := range found {
		files = append(files, file)
	}
	slices.SortFunc(files, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	return files
}

// read applies the settings in a file to the definition.
func (l *loader) read(d *definition, file string) error {
	in, err := l.open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	options, err := unitfile.DeserializeOptions(in)
	if err != nil {
		return err
	}
	for _, o := range options {
		apply, known := l.settings[o.Section+"."+o.Name]
		if !known {
			continue
		}
		value := strings.NewReplacer("\\\n", " ", "\n", " ").Replace(o.Value)
		if err := apply(d, expandSpecifiers(strings.TrimSpace(value), d.name)); err != nil {
			return fmt.Errorf("%s=: %w", o.Name, err)
		}
	}
	return nil
}

// open opens a unit file. It resolves symbolic links below root.
func (l *loader) open(file string) (*os.File, error) {
	for range 8 {
		target, err := os.Readlink(l.path(file))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err != nil { // not a symbolic link
			return os.Open(l.path(file))
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(file), target)
		}
		file = target
	}
	return nil, fmt.Errorf("open %s: too many links", file)
}
