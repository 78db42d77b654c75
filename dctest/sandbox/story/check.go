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

// CheckFiles makes sure that a package and its digest are there.
func CheckFiles(deb string) error {
	for _, file := range []string{deb, deb + ".sha256"} {
		switch _, err := os.Stat(file); {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("there is no file %s; make deb builds packages with their digests", file)
		case err != nil:
			return fmt.Errorf("package %s: %w", deb, err)
		}
	}
	return nil
}

// check finds out what can be known before anything is started.
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

// ascending makes sure that each package is newer than the one before: boot
// servers take nothing else.
func ascending(debs []string) error {
	var last release.Version
	for i, deb := range debs {
		v, err := sandbox.DebVersion(deb)
		if err != nil {
			return err
		}
		if i > 0 && v.Compare(last) <= 0 {
			return fmt.Errorf("%s is not newer than %s; boot servers are only updated to what is newer", v, last)
		}
		last = v
	}
	return nil
}
