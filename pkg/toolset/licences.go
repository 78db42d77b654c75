package toolset

import (
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// licenceFile matches the names of files with licences and notices.
var licenceFile = regexp.MustCompile(`(?i)^((un)?licen[cs]e|copying|copyright|notice|patents)([-._].*)?$`)

// goPrograms returns the names of the Go programs below dir.
func goPrograms(dir string) ([]string, error) {
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

// ours is the path of the module of Neco, whose licence is not written.
const ours = "github.com/cybozu-go/neco"

// WriteLicences writes the licences of the programs below dir, as text. First, it writes a line
// for each tool of l that is there, with version, licence and source. Then, it writes the
// licences and notices of these tools, as far as their modules are known, of all Go modules that
// are linked into the programs, and of Go: each text once, after the names of the modules that
// have it. A stand-in has no licence: a tool that is there although its digest is unknown. It
// downloads the modules that Go's module cache does not have, and blocks until that is done or
// ctx ends. A module that is not there or has no licence file is an error that names it.
func WriteLicences(ctx context.Context, w io.Writer, l List, dir string) error {
	programs, err := goPrograms(dir)
	if err != nil {
		return err
	}
	linked, err := modules(programs)
	if err != nil {
		return err
	}
	if err := l.addOwn(linked, dir); err != nil {
		return err
	}
	out, err := runGo(ctx, dir, "env", "GOMODCACHE", "GOROOT")
	if err != nil {
		return err
	}
	modCache, goRoot, _ := strings.Cut(out, "\n")
	dirs, err := fetchModules(ctx, linked, modCache)
	if err != nil {
		return err
	}
	if len(programs) > 0 {
		dirs["Go"] = goRoot
	}
	texts, owners, err := readLicences(dirs)
	if err != nil {
		return err
	}
	if err := l.writeTools(w, dir); err != nil {
		return err
	}
	return writeTexts(w, texts, owners)
}

// writeTools writes a line for each tool of l that is in dir, and an empty line after them.
func (l List) writeTools(w io.Writer, dir string) error {
	end := ""
	for _, t := range l.Tools {
		if !t.in(dir) {
			continue
		}
		source := t.URL
		if t.Module != "" {
			source = "https://pkg.go.dev/" + t.Module + "@" + t.Version
		}
		if _, err := fmt.Fprintf(w, "%s %s, %s, %s\n", t.Name, t.Version, t.Licence, source); err != nil {
			return err
		}
		end = "\n"
	}
	_, err := io.WriteString(w, end)
	return err
}

// in reports whether a program of t is below dir.
func (t Tool) in(dir string) bool {
	return slices.ContainsFunc(t.paths(), func(path string) bool {
		_, err := os.Lstat(filepath.Join(dir, path))
		return err == nil
	})
}

// addOwn adds the modules with the licences of the tools below dir to linked. The programs do not
// name them if the publisher has built them in a clone.
func (l List) addOwn(linked map[string]module.Version, dir string) error {
	for _, t := range l.Tools {
		unknown, err := l.unknown(t)
		if err != nil {
			return fmt.Errorf("tool %q: %w", t.Name, err)
		}
		name := t.own.Path + " " + t.own.Version
		if _, ok := linked[name]; !ok && unknown == "" && t.own.Path != "" && t.in(dir) {
			linked[name] = t.own
		}
	}
	return nil
}

// CheckLicences returns an error that names the tools whose own licences are unknown, or nil. A
// release needs the text of each licence.
func (l List) CheckLicences() error {
	var names []string
	for _, t := range l.Tools {
		if t.own.Path == "" {
			names = append(names, "  "+t.Name+" "+t.Version)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("these have no text of their own licence:\n%s\nset licenceModule to the Go module from which the publisher has built the program; docs/package.md explains how", strings.Join(names, "\n"))
}

// completeLicence checks LicenceModule and sets own.
func (t *Tool) completeLicence() error {
	if t.Module != "" {
		if t.LicenceModule != "" {
			return errors.New("licenceModule is for downloads; remove it")
		}
		t.own = module.Version{Path: t.Module, Version: t.Version}
		return nil
	}
	if t.LicenceModule == "" {
		return nil
	}
	path, version, _ := strings.Cut(strings.ReplaceAll(t.LicenceModule, "$VERSION", t.Version), "@")
	if err := module.Check(path, version); err != nil {
		return fmt.Errorf("licenceModule: it must be PATH@VERSION: %w", err)
	}
	t.own = module.Version{Path: path, Version: version}
	return nil
}

// modules returns the modules that are linked into the programs, by the names that the
// programs use: a replaced module has another source. It omits modules without a version: the
// module of a program that its publisher built in a clone has none; see addOwn.
func modules(programs []string) (map[string]module.Version, error) {
	linked := map[string]module.Version{}
	for _, program := range programs {
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", program, err)
		}
		for _, m := range append(info.Deps, &info.Main) {
			name := m.Path + " " + m.Version
			for m.Replace != nil {
				m = m.Replace
			}
			if semver.IsValid(m.Version) && !strings.HasSuffix(m.Version, "+dirty") && m.Path != ours {
				linked[name] = module.Version{Path: m.Path, Version: m.Version}
			}
		}
	}
	return linked, nil
}

// fetchModules returns the directory of each module in Go's module cache. It downloads the
// modules that are not there: a program from the cache of builds or from its publisher was not
// built from the source in the module cache.
func fetchModules(ctx context.Context, linked map[string]module.Version, modCache string) (map[string]string, error) {
	dirs := map[string]string{}
	download := []string{"mod", "download"}
	for _, name := range slices.Sorted(maps.Keys(linked)) {
		m := linked[name]
		dir, err := cacheDir(modCache, m.Path, m.Version)
		if err != nil {
			return nil, err
		}
		dirs[name] = dir
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			download = append(download, m.String())
		}
	}
	if len(download) == 2 {
		return dirs, nil
	}
	// Outside of all modules, the command changes no go.sum.
	tmp, err := os.MkdirTemp("", "neco-licences-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	_, err = runGo(ctx, tmp, download...)
	return dirs, err
}

// readLicences returns the texts in the directories of modules, and the names of the modules that
// have each text.
func readLicences(dirs map[string]string) (texts map[string]string, owners map[string][]string, err error) {
	texts, owners = map[string]string{}, map[string][]string{}
	var errs []error
	for name, dir := range dirs {
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
	return texts, owners, errors.Join(errs...)
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
