// Package toolset brings programs of other projects into the Debian package: it builds them
// from the source of Go modules, or downloads them and compares their digests. It owns the
// format of debian/tools.yaml and the cache of builds and downloads. It does not know which
// units start the programs.
package toolset

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/cybozu-go/neco/internal/strictyaml"
)

// Tool is a project whose programs the package contains. Its source is either a Go module or
// an archive or a program at a URL.
type Tool struct {
	Name string `yaml:"name"`
	// Licence is the SPDX identifier of the project's licence.
	Licence string `yaml:"licence"`
	// LicenceModule is the Go module, as PATH@VERSION, whose files have the text of the licence
	// of a download. $VERSION is the version. It is empty as long as nobody has found the
	// module, and for a tool with a module, which has the text itself.
	LicenceModule string `yaml:"licenceModule"`

	// Module is the path of the Go module. The directory of the same name as the tool, beside
	// the list, contains a module that requires it and names its programs in tool directives.
	Module string `yaml:"module"`
	// Ldflags and Tags are flags of go build. In Ldflags, $VERSION is the version, and $NUMBER
	// is the version without the leading v.
	Ldflags string `yaml:"ldflags"`
	Tags    string `yaml:"tags"`
	// CGO says that the programs contain C code. They are linked statically.
	CGO bool `yaml:"cgo"`

	// Version is the version of a tool without module. For a tool with a module, Load reads it
	// from the file go.mod.
	Version string `yaml:"version"`
	// Download is the download for boot servers.
	Download `yaml:",inline"`

	// Install maps the programs to their paths in the package. A key is the base name of a
	// package of the module, or a path in the archive, or the base name of URL. In a path,
	// $NUMBER is the version without the leading v.
	Install map[string][]string `yaml:"install"`
	// Completion maps keys of Install to the commands that print their shell completions.
	Completion map[string]Completion `yaml:"completion"`
	// Bundle are the keys of Install that operators also use on their own computers.
	Bundle []string `yaml:"bundle"`
	// Platforms are the downloads for the bundles of other platforms, by the names of the
	// platforms, such as windows/amd64. A tool with a module has none: it is built.
	Platforms map[string]Platform `yaml:"platforms"`

	// own is the module with the text of the tool's own licence. It is zero if that is unknown.
	own module.Version
	// members are the programs in the download. Install has only some of them in a bundle.
	members []string
}

// Download is a file that a publisher offers.
type Download struct {
	// URL is the address of the archive (.tar.gz, .tgz or .zip) or of the program. In URL and
	// Checksums, $VERSION is the version.
	URL string `yaml:"url"`
	// Checksums is the address of the publisher's file with the SHA-256 of the file at URL.
	Checksums string `yaml:"checksums"`
	// SHA256 is the digest of the file at URL, in lower-case hex. It is empty as long as
	// nobody has read it from Checksums.
	SHA256 string `yaml:"sha256"`
}

// Platform is the download of a tool for the bundle of another platform.
type Platform struct {
	// Download is the file. Its Checksums are by default those of the tool.
	Download `yaml:",inline"`
	// Bundle maps programs to their names in the bundle. A key is a path in the archive, or
	// the base name of URL.
	Bundle map[string]string `yaml:"bundle"`
}

// List is the contents of debian/tools.yaml.
type List struct {
	// Dir is the directory of the modules, debian/tools.
	Dir   string `yaml:"-"`
	Tools []Tool `yaml:"tools"`
}

// Load reads the list in file. The modules of its tools are in the directory that has the name
// of file without .yaml. An error names the tool and the field that is wrong, and for a syntax
// error the line.
func Load(file string) (List, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return List{}, err
	}
	l := List{Dir: strings.TrimSuffix(file, filepath.Ext(file))}
	if err := strictyaml.Decode(data, &l); err != nil {
		return List{}, fmt.Errorf("%s: %w", file, err)
	}
	paths := map[string]string{}
	for i := range l.Tools {
		t := &l.Tools[i]
		if err := l.complete(t); err != nil {
			return List{}, fmt.Errorf("%s: tool %q: %w", file, t.Name, err)
		}
		for _, p := range t.paths() {
			if other, ok := paths[p]; ok {
				return List{}, fmt.Errorf("%s: tool %q: %s also installs %s", file, t.Name, other, p)
			}
			paths[p] = t.Name
		}
	}
	return l, nil
}

var (
	toolName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)
	digest   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// complete checks t and sets the fields that follow from others.
func (l List) complete(t *Tool) error {
	switch {
	case !toolName.MatchString(t.Name):
		return errors.New("the name must consist of lower-case letters, digits, - and _")
	case t.Licence == "":
		return errors.New("licence is missing: the SPDX identifier, such as Apache-2.0")
	case len(t.Install) == 0:
		return errors.New("install is missing: which program goes where")
	case (t.Module == "") == (t.URL == ""):
		return errors.New("either module or url is needed")
	}
	if err := l.completeSource(t); err != nil {
		return err
	}
	if err := t.completeLicence(); err != nil {
		return err
	}
	t.members = t.programs()
	for program, paths := range t.Install {
		if len(paths) == 0 {
			return fmt.Errorf("install: %s has no path", program)
		}
		for i := range paths {
			paths[i] = strings.ReplaceAll(paths[i], "$NUMBER", t.number())
		}
	}
	for _, p := range t.paths() {
		if !path.IsAbs(p) || path.Clean(p) != p || p == "/" {
			return fmt.Errorf("install: %q is not the absolute path of a file", p)
		}
	}
	if err := t.completeBundle(); err != nil {
		return err
	}
	return t.checkCompletion()
}

func (l List) completeSource(t *Tool) error {
	if t.Module != "" {
		return l.completeModule(t)
	}
	return completeDownload(t)
}

func (l List) completeModule(t *Tool) error {
	if t.Version != "" || t.Checksums != "" || t.SHA256 != "" {
		return errors.New("version, checksums and sha256 are in go.mod and go.sum of a module; remove them here")
	}
	m, err := l.modFile(*t)
	if err != nil {
		return err
	}
	for _, r := range m.Require {
		if r.Mod.Path == t.Module {
			t.Version = r.Mod.Version
		}
	}
	if t.Version == "" {
		return fmt.Errorf("%s does not require %s", m.Syntax.Name, t.Module)
	}
	for program := range t.Install {
		if !slices.ContainsFunc(m.Tool, func(p *modfile.Tool) bool { return programName(p.Path) == program }) {
			return fmt.Errorf("%s has no tool directive for %s", m.Syntax.Name, program)
		}
	}
	return nil
}

// modFile returns the file go.mod of the module that builds t.
func (l List) modFile(t Tool) (*modfile.File, error) {
	name := filepath.Join(l.Dir, t.Name, "go.mod")
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return modfile.Parse(name, data, nil)
}

// programName returns the name of the program that go build makes of a package.
func programName(pkg string) string {
	base := path.Base(pkg)
	if majorVersion.MatchString(base) {
		base = path.Base(path.Dir(pkg))
	}
	return base
}

var majorVersion = regexp.MustCompile(`^v[2-9][0-9]*$`)

func completeDownload(t *Tool) error {
	if t.Tags != "" || t.Ldflags != "" || t.CGO {
		return errors.New("tags, ldflags and cgo are for modules; remove them")
	}
	if t.Version == "" {
		return errors.New("version is missing")
	}
	if err := t.Download.complete(t.Version); err != nil {
		return err
	}
	if !isArchive(t.URL) {
		if _, ok := t.Install[path.Base(t.URL)]; !ok || len(t.Install) != 1 {
			return fmt.Errorf("install: the only key must be %s", path.Base(t.URL))
		}
	}
	return nil
}

// complete checks d and replaces the version in its addresses.
func (d *Download) complete(version string) error {
	if d.SHA256 != "" && !digest.MatchString(d.SHA256) {
		return fmt.Errorf("sha256: %q is not 64 lower-case hexadecimal digits", d.SHA256)
	}
	for field, address := range map[string]*string{"url": &d.URL, "checksums": &d.Checksums} {
		*address = strings.ReplaceAll(*address, "$VERSION", version)
		if u, err := url.Parse(*address); err != nil || u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("%s: %q is not an address that begins with https://", field, *address)
		}
	}
	return nil
}

// isArchive reports whether the file at address is an archive.
func isArchive(address string) bool {
	return isZip(address) || strings.HasSuffix(address, ".tar.gz") || strings.HasSuffix(address, ".tgz")
}

func isZip(address string) bool { return strings.HasSuffix(address, ".zip") }

// number returns the version without the leading v.
func (t Tool) number() string { return strings.TrimPrefix(t.Version, "v") }

// programs returns the keys of t.Install, sorted.
func (t Tool) programs() []string {
	var all []string
	for program := range t.Install {
		all = append(all, program)
	}
	slices.Sort(all)
	return all
}

// paths returns the paths of all programs of t in the package, sorted.
func (t Tool) paths() []string {
	var all []string
	for _, paths := range t.Install {
		all = append(all, paths...)
	}
	slices.Sort(all)
	return all
}
