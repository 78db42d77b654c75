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

// Options configure a sandbox. Only Deb is required.
type Options struct {
	// Dir is the directory for all files of the sandbox. It must be empty or not exist,
	// and is kept. If Dir is not set, the files are in a temporary directory, which Close
	// removes.
	Dir string
	// Deb is the neco package that is installed on the boot servers at the start.
	Deb string
	// Servers are the logical rack numbers (LRNs) of the boot servers; the default is 0,
	// 1 and 2. Each boot server has an etcd member.
	Servers []int
	// Registered are the LRNs of boot servers that are registered but do not exist. The
	// caller has to write their statuses.
	Registered []int
	// Config overrides values in the default configuration of a sandbox. Its keys are the
	// names that neco config uses.
	Config map[string]string
	// Docker is the path of the program that the boot servers call as docker; if empty,
	// it is this program. The program must call docker.Main of dctest/sandbox/docker.
	Docker string
	// Say, if not nil, is called with a message for people whenever a part of the start
	// is done.
	Say func(text string)
	// Log receives the events of units. If nil, they are discarded.
	Log *slog.Logger
}

// defaults returns the default configuration of a sandbox.
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

// all returns the LRNs of all registered servers, sorted.
func (o *Options) all() []int {
	return slices.Sorted(slices.Values(slices.Concat(o.Servers, o.Registered)))
}

// makeDir creates the directory of the sandbox, and reports whether Close has to remove
// it.
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

// spaceNeeded is the disk space in bytes that a sandbox of three boot servers needs: 900
// MiB while all of them install a package over another one, plus a reserve.
const spaceNeeded = 1200 << 20

// checkSpace fails if the disk has less than the needed space, in which an update would
// fail later.
func (s *Sandbox) checkSpace(context.Context) error {
	free, err := host.FS{}.Free(s.opts.Dir)
	if err != nil {
		return err
	}
	return enough(s.opts.Dir, free)
}

func enough(dir string, free uint64) error {
	if free < spaceNeeded {
		return fmt.Errorf("%s has %d MiB free, a sandbox needs %d MiB; free some space, or set TMPDIR to another directory",
			dir, free>>20, spaceNeeded>>20)
	}
	return nil
}

// DebVersion returns the version in the file name of a package. The name must have the
// form of a release asset.
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

// CheckDeb checks that a file is the neco package of the version in its file name.
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
		return fmt.Errorf("package %s contains %s %s", deb, name, version)
	}
	return nil
}

// packages returns access to the packages that are installed on the boot server with the
// given root directory.
func packages(root string) host.Packages { return host.Packages{Root: root} }
