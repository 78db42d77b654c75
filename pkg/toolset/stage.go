package toolset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Options are the options of [Stage].
type Options struct {
	// Out is the directory that receives the files. It must not exist.
	Out string
	// Cache is the directory of builds and downloads that later calls use again.
	Cache string
	// StandIns is a directory with programs, by their base names, that replace those of tools
	// which cannot be had. It is for packages of test data centres; empty for others.
	StandIns string
	// Client downloads files.
	Client *http.Client
	// Log, if not nil, is called before each build and download.
	Log func(text string)
}

// Staged is the result of [Stage].
type Staged struct {
	// Missing are the tools that are not in Out, each with the reason.
	Missing []string
	// StandIns are the tools of which Out has stand-ins.
	StandIns []string
}

// Complete returns an error that names the missing programs and the stand-ins, or nil if the
// result has all programs.
func (r Staged) Complete() error {
	var errs []error
	for _, m := range r.Missing {
		errs = append(errs, errors.New(m))
	}
	if len(r.StandIns) > 0 {
		errs = append(errs, fmt.Errorf("these programs are stand-ins for tests: %s", strings.Join(r.StandIns, ", ")))
	}
	return errors.Join(errs...)
}

// stager runs one call of Stage or Bundle.
type stager struct {
	list     List
	opts     Options
	platform platform
}

func (s stager) log(format string, args ...any) {
	if s.opts.Log != nil {
		s.opts.Log(fmt.Sprintf(format, args...))
	}
}

// Stage writes the programs of l into the directory o.Out, in the tree in which they are in the
// package, together with their completions, with the files in the directory root of each tool
// beside the list, and with the bundle for nodes. It builds and downloads what the cache does
// not have, and blocks until that is done or ctx ends. A tool without a digest is left out or
// replaced by a stand-in, with all its files. An error means that a build or download failed;
// o.Out is then incomplete.
func Stage(ctx context.Context, l List, o Options) (Staged, error) {
	s := stager{list: l, opts: o, platform: server()}
	result, there, err := s.stage(ctx)
	if err != nil {
		return result, err
	}
	for _, t := range there {
		if err := s.installFiles(t); err != nil {
			return result, fmt.Errorf("tool %q: %w", t.Name, err)
		}
	}
	s.opts.Out = filepath.Join(o.Out, nodeBundle)
	_, _, err = s.archive(ctx, packer(nodeBundle))
	return result, err
}

// stage writes the programs of the list and their completions into Out, and returns the tools
// that are there. A stand-in has no completions.
func (s stager) stage(ctx context.Context) (result Staged, there []Tool, err error) {
	if err := os.Mkdir(s.opts.Out, 0o755); err != nil {
		return Staged{}, nil, err
	}
	for _, t := range s.list.Tools {
		dir, err := s.source(ctx, t, &result)
		if err == nil && dir != "" {
			there = append(there, t)
			err = s.installPrograms(t, dir)
		}
		if err == nil && dir != "" && dir != s.opts.StandIns {
			err = s.installCompletions(ctx, t)
		}
		if err != nil {
			return result, nil, fmt.Errorf("tool %q: %w", t.Name, err)
		}
	}
	return result, there, nil
}

// source returns the directory with the programs of t, or "" if t is missing.
func (s stager) source(ctx context.Context, t Tool, result *Staged) (string, error) {
	unknown, err := s.list.unknown(t)
	switch {
	case err != nil:
		return "", err
	case unknown != "" && s.opts.StandIns != "":
		result.StandIns = append(result.StandIns, t.Name)
		return s.opts.StandIns, nil
	case unknown != "":
		result.Missing = append(result.Missing, fmt.Sprintf("%s %s is left out: %s", t.Name, t.Version, unknown))
		return "", nil
	case t.Module != "":
		return s.build(ctx, t, s.platform)
	}
	return s.download(ctx, t)
}

// CheckDigests returns an error that names the programs of the package and of the bundles whose
// digests are unknown, or nil. A release needs all of them.
func (l List) CheckDigests() error {
	var names []string
	for _, t := range l.Tools {
		unknown, err := l.unknown(t)
		if err != nil {
			return fmt.Errorf("tool %q: %w", t.Name, err)
		}
		for _, d := range t.downloads() {
			if unknown != "" && d.platform == "" || d.platform != "" && d.SHA256 == "" {
				names = append(names, "  "+d.name)
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("the digests of these are unknown:\n%s\nrun make tools-pin on a computer with access to the internet, review the change and commit it", strings.Join(names, "\n"))
}

// unknown returns a text that says which digest of t is unknown and how it is found, or "" if
// all are known.
func (l List) unknown(t Tool) (string, error) {
	if t.Module == "" {
		if t.SHA256 == "" {
			return "its SHA-256 is unknown; make tools-pin reads it from " + t.Checksums, nil
		}
		return "", nil
	}
	sums := filepath.Join(l.Dir, t.Name, "go.sum")
	_, err := os.Stat(sums)
	if errors.Is(err, fs.ErrNotExist) {
		return sums + " is missing; make tools-pin makes it", nil
	}
	return "", err
}

// installFiles copies the files of t other than its programs to their places in Out.
func (s stager) installFiles(t Tool) error {
	own := filepath.Join(s.list.Dir, t.Name, "root")
	if _, err := os.Stat(own); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return copyTree(own, s.opts.Out)
}

// installPrograms copies the programs of t in dir to their places in Out.
func (s stager) installPrograms(t Tool, dir string) error {
	for _, program := range t.programs() {
		src := filepath.Join(dir, path.Base(program))
		paths := slices.Clone(t.Install[program])
		if err := copyProgram(src, filepath.Join(s.opts.Out, paths[0])); err != nil {
			return err
		}
		// A second path is a link to the first, so that the package has the program once.
		for _, p := range paths[1:] {
			if err := link(s.opts.Out, paths[0], p); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyProgram(src, dst string) error {
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	r, err := os.Open(src)
	if err != nil {
		return err
	}
	defer r.Close()
	return writeProgram(dst, r)
}

// link makes name below root a symbolic link to target.
func link(root, target, name string) error {
	if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
		return err
	}
	rel, err := filepath.Rel(filepath.Dir(name), target)
	if err != nil {
		return err
	}
	return os.Symlink(rel, filepath.Join(root, name))
}

// copyTree copies the files and symbolic links below src to dst.
func copyTree(src, dst string) error {
	return filepath.WalkDir(src, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, name)
		if err != nil {
			return err
		}
		to := filepath.Join(dst, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(to, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(target, to)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := os.Lstat(to); err == nil {
			return fmt.Errorf("%s has two sources", rel)
		}
		return os.WriteFile(to, data, info.Mode().Perm())
	})
}
