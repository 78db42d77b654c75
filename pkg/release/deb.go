package release

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Control holds the fields of a package's control file that identify the package.
type Control struct {
	// Package is the name of the package.
	Package string
	// Version is the full version, with its epoch and revision if any.
	Version string
	// Architecture is Debian's name of an architecture, or "all".
	Architecture string
}

// InspectDeb returns the identity of the Debian package in the file path. It checks that
// the members of the file are those of a package and that none is truncated. It unpacks
// only the control file, and needs little memory whatever lengths the package states. It
// does not check the files to be installed: only a digest can show that they are the
// released ones.
//
// It fails with ErrWrongPackage if the file is not a package, ErrTruncated if it ends too
// early, and ErrTooLarge if its control data exceed the limits.
func InspectDeb(path string) (Control, error) {
	file, err := os.Open(path)
	if err != nil {
		return Control{}, fmt.Errorf("inspect package: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return Control{}, fmt.Errorf("inspect package: %w", err)
	}
	control, err := inspect(file, info.Size())
	if err != nil {
		return Control{}, fmt.Errorf("inspect package %s: %w", path, err)
	}
	return control, nil
}

// VerifyDeb checks that the file path is a Debian package of the given name, version and
// architecture. Otherwise it returns an error of InspectDeb, or one that wraps
// ErrWrongPackage and lists all differences.
func VerifyDeb(path, name, version, arch string) error {
	got, err := InspectDeb(path)
	if err != nil {
		return err
	}
	var wrong []string
	for _, field := range []struct{ name, got, want string }{
		{"name", got.Package, name},
		{"version", got.Version, version},
		{"architecture", got.Architecture, arch},
	} {
		if field.got != field.want {
			wrong = append(wrong, fmt.Sprintf("%s is %q, want %q", field.name, field.got, field.want))
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("verify package %s: %w: %s", path, ErrWrongPackage, strings.Join(wrong, ", "))
	}
	return nil
}

// inspect returns the identity of the package r. It checks that the members are in the
// order that dpkg requires: the format version, the control data, the files. It skips
// members that dpkg ignores, and does not read beyond the files.
func inspect(r io.ReaderAt, size int64) (Control, error) {
	archive, err := newArReader(r, size)
	if err != nil {
		return Control{}, err
	}
	if err := checkFormat(archive); err != nil {
		return Control{}, err
	}
	member, err := nextMember(archive, "control.tar")
	if err != nil {
		return Control{}, err
	}
	control, err := readControl(member)
	if err != nil {
		return Control{}, fmt.Errorf("member %s: %w", member.name, err)
	}
	if _, err := nextMember(archive, "data.tar"); err != nil {
		return Control{}, err
	}
	return control, nil
}

// checkFormat checks that the first member is "debian-binary" with a format version 2.x.
func checkFormat(archive *arReader) error {
	member, err := nextMember(archive, "debian-binary")
	if err != nil {
		return err
	}
	format, err := io.ReadAll(io.LimitReader(member.data, 32))
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(format), "2.") {
		return fmt.Errorf("%w: format is %q, want 2.0", ErrWrongPackage, format)
	}
	return nil
}

func nextMember(archive *arReader, prefix string) (arMember, error) {
	for {
		member, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF):
			return arMember{}, fmt.Errorf("%w: ends before the member %s", ErrTruncated, prefix)
		case err != nil:
			return arMember{}, err
		case strings.HasPrefix(member.name, prefix):
			return member, nil
		case !strings.HasPrefix(member.name, "_"):
			return arMember{}, fmt.Errorf("%w: member %q in place of %s", ErrWrongPackage, member.name, prefix)
		}
	}
}
