package release

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

const (
	// maxControlTar is the maximum size in bytes of the unpacked control archive of a
	// package, which contains checksums and scripts.
	maxControlTar = 64 << 20
	// maxControlFile is the maximum size in bytes of the control file, which consists
	// of one paragraph.
	maxControlFile = 1 << 20
)

// readControl returns the fields of the control file in member, the control archive of a
// package.
func readControl(member arMember) (Control, error) {
	unpacked, closeFn, err := decompress(member)
	if err != nil {
		return Control{}, err
	}
	defer closeFn()
	text, err := findControl(tar.NewReader(&boundedReader{r: unpacked, left: maxControlTar}))
	if err != nil {
		return Control{}, err
	}
	return parseControl(text)
}

func findControl(archive *tar.Reader) (string, error) {
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return "", fmt.Errorf("%w: no control file", ErrWrongPackage)
		}
		if err != nil {
			return "", damaged(err)
		}
		if path.Clean(header.Name) != "control" || header.Typeflag != tar.TypeReg {
			continue
		}
		text, err := io.ReadAll(&boundedReader{r: archive, left: maxControlFile})
		if err != nil {
			return "", damaged(err)
		}
		return string(text), nil
	}
}

// damaged wraps err, an error from unpacking, with ErrTruncated or ErrWrongPackage. It
// returns an ErrTooLarge unchanged.
func damaged(err error) error {
	switch {
	case errors.Is(err, ErrTooLarge):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("%w: %w", ErrTruncated, err)
	default:
		return fmt.Errorf("%w: %w", ErrWrongPackage, err)
	}
}

// parseControl returns the fields in text, a control file, that identify the package.
// It fails unless each of these fields occurs exactly once in the first paragraph.
func parseControl(text string) (Control, error) {
	var c Control
	fields := map[string]*string{"package": &c.Package, "version": &c.Version, "architecture": &c.Architecture}
	for line := range strings.Lines(strings.TrimLeft(text, "\n")) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" {
			break
		}
		name, value, found := strings.Cut(line, ":")
		field := fields[strings.ToLower(name)]
		switch {
		case field == nil || !found: // another field, or a continuation line
			continue
		case *field != "":
			return Control{}, fmt.Errorf("%w: control file has %s twice", ErrWrongPackage, name)
		}
		*field = strings.TrimSpace(value)
	}
	if c.Package == "" || c.Version == "" || c.Architecture == "" {
		return Control{}, fmt.Errorf("%w: control file lacks name, version or architecture", ErrWrongPackage)
	}
	return c, nil
}

// boundedReader reads up to left bytes and fails with ErrTooLarge if there are more. An
// io.LimitReader would return io.EOF instead.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		var one [1]byte
		n, err := b.r.Read(one[:])
		if n > 0 {
			return 0, ErrTooLarge
		}
		return 0, err
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
