package sandbox

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
)

// Options of a sandbox.  Only Deb is required.
type Options struct {
	// Dir is where everything is.  It is made if it is not there, must be
	// empty, and stays; if it is not given, a temporary one is used, and
	// removed in the end.
	Dir string
	// Deb is the neco package that the boot servers begin with.
	Deb string
	// Servers are the boot servers, 0, 1 and 2 if none are given.  Each has a
	// member of etcd.
	Servers []int
	// Registered are boot servers that are registered in addition, and do not
	// exist: their statuses are up to the caller.
	Registered []int
	// Config is set in addition to what a sandbox needs, or instead of it, by
	// the names of neco config.
	Config map[string]string
	// Docker is the program that is called as docker, which has to be one that
	// uses dctest/sandbox/docker then; this one if empty.
	Docker string
	// Say is told what happens, in words for people; nothing if nil.
	Say func(text string)
	// Log gets what happens to units, nothing if nil.
	Log *slog.Logger
}

// defaults are the configuration of a sandbox.
func defaults() map[string]string {
	return map[string]string{
		"env":                   "prod",
		"check-update-interval": "1s",
		"worker-timeout":        "10m",
	}
}

func (o *Options) complete() error {
	if len(o.Servers) == 0 {
		o.Servers = []int{0, 1, 2}
	}
	for name, value := range o.Config {
		k, err := storage.FindConfigKey(name)
		if err != nil {
			return err
		}
		if _, err := k.Parse(value); err != nil {
			return err
		}
	}
	config := defaults()
	maps.Copy(config, o.Config)
	o.Config = config
	if o.Docker == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		o.Docker = self
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// all are all registered servers.
func (o *Options) all() []int {
	return slices.Sorted(slices.Values(slices.Concat(o.Servers, o.Registered)))
}

// makeDir makes the directory of the sandbox, and tells whether it is to be
// removed.
func (o *Options) makeDir() (own bool, err error) {
	if o.Dir == "" {
		o.Dir, err = os.MkdirTemp("", "neco-")
		return true, err
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return false, err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return false, err
	}
	entries, err := os.ReadDir(o.Dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s is not empty", o.Dir)
	}
	return false, err
}

// spaceNeeded is what a sandbox of three boot servers needs while each installs
// a package over another one: 560 MiB, and some to spare.
const spaceNeeded = 700 << 20

// checkSpace says beforehand what would end the story in its middle.
func (s *Sandbox) checkSpace(context.Context) error {
	free, err := host.FS{}.Free(s.opts.Dir)
	if err != nil {
		return err
	}
	return enough(s.opts.Dir, free)
}

func enough(dir string, free uint64) error {
	if free < spaceNeeded {
		return fmt.Errorf("%s has %d MiB free, a sandbox needs %d MiB; free some, or name another directory in TMPDIR",
			dir, free>>20, spaceNeeded>>20)
	}
	return nil
}

// DebVersion reads the version out of a package's name, which has to be the
// one that releases give it.
func DebVersion(deb string) (release.Version, error) {
	base := filepath.Base(deb)
	var text string
	if n := len(base) - len("_amd64.deb"); n > len("neco_") && base[:len("neco_")] == "neco_" {
		text = base[len("neco_"):n]
	}
	v, err := release.Parse(text)
	if err != nil || release.PackageFile(v) != base {
		return v, fmt.Errorf("package %s: its name is not neco_YYYY.MM.DD-SERIAL_amd64.deb", deb)
	}
	return v, nil
}

// CheckDeb makes sure that a file is the neco package of the version in its
// name.
func CheckDeb(ctx context.Context, deb string) error {
	v, err := DebVersion(deb)
	if err != nil {
		return err
	}
	name, version, err := packages("").FileInfo(ctx, deb)
	if err != nil {
		return err
	}
	if name != neco.NecoPackageName || version != v.String() {
		return fmt.Errorf("package %s: it is %s %s", deb, name, version)
	}
	return nil
}

// packages are those of the boot server whose root is given.
func packages(root string) host.Packages { return host.Packages{Root: root} }
