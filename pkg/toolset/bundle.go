package toolset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// bundleLicences is the name of the file in an archive of a bundle that has the licences.
const bundleLicences = "third-party-licences.txt"

// nodeBundle is the path in the package of the bundle for nodes. neco-worker uploads it to
// sabakan, and nodes unpack it.
const nodeBundle = "/usr/libexec/neco/neco-operation-cli.tgz"

// Bundle writes the programs that operators use on their own computers, built or downloaded for
// the platform, which is linux/amd64, windows/amd64 or darwin/amd64. If the name o.Out ends with
// .zip or .tgz, it writes an archive with the programs and their licences. Otherwise it writes a
// directory with the programs in usr/bin and their completions. The bytes depend only on the
// list, on the sources and on the version of Go. The result names the tools that are left
// out: those without a digest, and those without a download for the platform. It is an error if
// none remains. Bundle blocks as [Stage] does.
func Bundle(ctx context.Context, l List, platformName string, o Options) (Staged, error) {
	i := slices.IndexFunc(platforms(), func(p platform) bool { return p.name() == platformName })
	if i < 0 {
		return Staged{}, fmt.Errorf("there are no bundles for the platform %q, only for %s", platformName, strings.Join(platformNames(), ", "))
	}
	s := stager{list: l, opts: o, platform: platforms()[i]}
	pack := packer(o.Out)
	if pack == nil {
		restricted, missing := l.bundle(s.platform, "/usr/bin")
		s.list = restricted
		result, _, err := s.stage(ctx)
		result.Missing = append(result.Missing, missing...)
		return result, err
	}
	result, written, err := s.archive(ctx, pack)
	if err == nil && !written {
		err = errors.Join(fmt.Errorf("no program is in the bundle for %s", platformName), result.Complete())
	}
	return result, err
}

// archive writes the bundle as the archive s.opts.Out. It returns false and writes nothing if
// the bundle has no program.
func (s stager) archive(ctx context.Context, pack func(file, dir string) error) (result Staged, written bool, err error) {
	tmp, err := os.MkdirTemp("", "neco-bundle-")
	if err != nil {
		return Staged{}, false, err
	}
	defer os.RemoveAll(tmp)
	file := s.opts.Out
	s.opts.Out = filepath.Join(tmp, "bundle")
	restricted, missing := s.list.bundle(s.platform, "/")
	s.list = restricted
	result, there, err := s.stage(ctx)
	result.Missing = append(result.Missing, missing...)
	if err != nil || len(there) == 0 {
		return result, false, err
	}
	if err := s.writeLicences(ctx, there); err != nil {
		return result, false, err
	}
	return result, true, pack(file, s.opts.Out)
}

// writeLicences writes the licences of the tools, whose programs are in Out.
func (s stager) writeLicences(ctx context.Context, tools []Tool) (err error) {
	f, err := os.Create(filepath.Join(s.opts.Out, bundleLicences))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return WriteLicences(ctx, f, List{Dir: s.list.Dir, Tools: tools}, s.opts.Out)
}

// bundle returns the list of the tools of the bundle for p, with their programs in the directory
// dir, and names those that the list does not have for p.
func (l List) bundle(p platform, dir string) (restricted List, missing []string) {
	restricted.Dir = l.Dir
	for _, t := range l.Tools {
		if len(t.Bundle) == 0 {
			continue
		}
		if b, ok := t.bundled(p, dir); ok {
			restricted.Tools = append(restricted.Tools, b)
		} else {
			missing = append(missing, fmt.Sprintf("%s %s is left out: the list has no download for %s", t.Name, t.Version, p.name()))
		}
	}
	return restricted, missing
}

// bundled returns t with only the programs of its bundle for p, in the directory dir. Those in
// the root directory are for an archive, which has no completions. ok is false if the list has
// no download for p.
func (t Tool) bundled(p platform, dir string) (b Tool, ok bool) {
	b = t
	b.Install = map[string][]string{}
	b.Completion = map[string]Completion{}
	if t.Module == "" && p != server() {
		other, ok := t.Platforms[p.name()]
		b.Download = other.Download
		for program, name := range other.Bundle {
			b.Install[program] = []string{path.Join(dir, name)}
		}
		b.members = b.programs()
		return b, ok
	}
	for _, program := range t.Bundle {
		b.Install[program+p.exe()] = []string{path.Join(dir, t.command(program)+p.exe())}
		if c, ok := t.Completion[program]; ok && p == server() && dir != "/" {
			b.Completion[program] = c
		}
	}
	return b, true
}

// command returns the name with which users start the program, a key of Install.
func (t Tool) command(program string) string { return path.Base(t.Install[program][0]) }

func platformNames() []string {
	var names []string
	for _, p := range platforms() {
		names = append(names, p.name())
	}
	return names
}

// completeBundle checks the bundle of t and its downloads for other platforms.
func (t *Tool) completeBundle() error {
	for _, b := range t.Bundle {
		if _, ok := t.Install[b]; !ok {
			return fmt.Errorf("bundle: %q is not in install", b)
		}
	}
	switch {
	case len(t.Bundle) > 0 && t.CGO:
		return errors.New("bundle: programs with cgo cannot be built for other platforms")
	case len(t.Platforms) > 0 && (t.Module != "" || len(t.Bundle) == 0):
		return errors.New("platforms are for downloads with a bundle; remove them")
	}
	for name, p := range t.Platforms {
		if err := t.completePlatform(name, &p); err != nil {
			return fmt.Errorf("platforms: %s: %w", name, err)
		}
		t.Platforms[name] = p
	}
	return nil
}

func (t *Tool) completePlatform(name string, p *Platform) error {
	others := platformNames()[1:]
	if !slices.Contains(others, name) {
		return fmt.Errorf("the platform must be one of %s", strings.Join(others, ", "))
	}
	if p.Checksums == "" {
		p.Checksums = t.Checksums
	}
	if err := p.Download.complete(t.Version); err != nil {
		return err
	}
	if len(p.Bundle) == 0 {
		return errors.New("bundle is missing: which program gets which name")
	}
	for program, name := range p.Bundle {
		if name == "" || path.Base(name) != name {
			return fmt.Errorf("bundle: %q is not the name of a file", name)
		}
		if !isArchive(p.URL) && (program != path.Base(p.URL) || len(p.Bundle) != 1) {
			return fmt.Errorf("bundle: the only key must be %s", path.Base(p.URL))
		}
	}
	return nil
}
