package toolset

import (
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// licenceFile matches the names of files with licences and notices.
var licenceFile = regexp.MustCompile(`(?i)^((un)?licen[cs]e|copying|copyright|notice|patents)([-._].*)?$`)

// GoPrograms returns the names of the Go programs below dir.
func GoPrograms(dir string) ([]string, error) {
	var programs []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Mode().Perm()&0o100 == 0 {
			return err
		}
		if _, err := buildinfo.ReadFile(name); err == nil {
			programs = append(programs, name)
		}
		return nil
	})
	return programs, err
}

// WriteLicences writes the licences and notices of all Go modules that are linked into the
// programs, as text: each text once, after the names of the modules that have it. ours is the
// path of the module whose licence is not written. modCache is the directory of Go's module
// cache, which must have the modules, and goRoot the directory of Go, whose licence is written,
// too. A module without a licence file is an error that names it.
func WriteLicences(w io.Writer, programs []string, modCache, goRoot, ours string) error {
	mods := map[string]string{"Go": goRoot} // the directory of each module
	for _, program := range programs {
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			return fmt.Errorf("%s: %w", program, err)
		}
		for _, m := range info.Deps {
			name := m.Path + " " + m.Version
			for m.Replace != nil {
				m = m.Replace
			}
			if m.Version == "" || m.Path == ours {
				continue
			}
			dir, err := cacheDir(modCache, m.Path, m.Version)
			if err != nil {
				return err
			}
			mods[name] = dir
		}
	}
	texts := map[string]string{}
	owners := map[string][]string{}
	var errs []error
	for name, dir := range mods {
		text, err := licenceText(dir)
		if err == nil && text == "" {
			err = errors.New("the module has no file with a licence")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			continue
		}
		key := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
		texts[key] = text
		owners[key] = append(owners[key], name)
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	return writeTexts(w, texts, owners)
}

// writeTexts writes each text after its owners, in the order of the first owners.
func writeTexts(w io.Writer, texts map[string]string, owners map[string][]string) error {
	var keys []string
	for key, names := range owners {
		slices.Sort(names)
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return strings.Compare(owners[a][0], owners[b][0]) })
	line := strings.Repeat("=", 80)
	for _, key := range keys {
		if _, err := fmt.Fprintf(w, "%s\n%s\n%s\n\n%s\n\n", line, strings.Join(owners[key], "\n"), line, strings.TrimSpace(texts[key])); err != nil {
			return err
		}
	}
	return nil
}

func cacheDir(modCache, path, version string) (string, error) {
	p, err := module.EscapePath(path)
	if err != nil {
		return "", err
	}
	v, err := module.EscapeVersion(version)
	return filepath.Join(modCache, p+"@"+v), err
}

// licenceText returns the contents of all licence files in dir.
func licenceText(dir string) (string, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var texts []string
	for _, f := range files {
		if f.Type()&fs.ModeType != 0 || !licenceFile.MatchString(f.Name()) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return "", err
		}
		texts = append(texts, strings.TrimSpace(string(data)))
	}
	return strings.Join(texts, "\n\n"), nil
}
