package story

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/cybozu-go/neco/dctest/sandbox"
	"github.com/cybozu-go/neco/pkg/release"
)

// CheckFiles checks that a package and its digest file exist.
func CheckFiles(deb string) error {
	for _, file := range []string{deb, deb + ".sha256"} {
		switch _, err := os.Stat(file); {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("there is no file %s; dctest/sandbox/build-debs builds packages with their digest files", file)
		case err != nil:
			return fmt.Errorf("package %s: %w", deb, err)
		}
	}
	return nil
}

// check checks the packages to be installed before a sandbox is started.
func (t *teller) check(ctx context.Context) error {
	if len(t.Debs) == 0 {
		return errors.New("no package is given")
	}
	if err := ascending(t.Debs); err != nil {
		return err
	}
	for _, deb := range t.Debs {
		if err := CheckFiles(deb); err != nil {
			return err
		}
		if err := sandbox.CheckDeb(ctx, deb); err != nil {
			return err
		}
	}
	return nil
}

// ascending checks that each package is newer than the previous one, because boot servers
// install only newer versions.
func ascending(debs []string) error {
	var last release.Version
	for i, deb := range debs {
		v, err := sandbox.DebVersion(deb)
		if err != nil {
			return err
		}
		if i > 0 && v.Compare(last) <= 0 {
			return fmt.Errorf("%s is not newer than %s; boot servers install only newer versions", v, last)
		}
		last = v
	}
	return nil
}
