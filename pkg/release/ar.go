package release

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	arMagic      = "!<arch>\n"
	arHeaderSize = 60
	arHeaderEnd  = "`\n"
	// maxMembers is the maximum number of members of a package. A package with more
	// members is refused; dpkg requires three.
	maxMembers = 16
)

// arReader reads the members of an ar archive in order. It never reads beyond the end of
// the archive, even if the header of a member states a larger size.
type arReader struct {
	r     *io.SectionReader
	next  int64
	count int
}

type arMember struct {
	name string
	data *io.SectionReader
}

func newArReader(r io.ReaderAt, size int64) (*arReader, error) {
	magic := make([]byte, len(arMagic))
	if _, err := r.ReadAt(magic, 0); err != nil && err != io.EOF {
		return nil, err
	}
	if string(magic) != arMagic {
		return nil, fmt.Errorf("%w: not an ar archive", ErrWrongPackage)
	}
	return &arReader{r: io.NewSectionReader(r, 0, size), next: int64(len(arMagic))}, nil
}

// Next returns the next member, or io.EOF at the end of the archive.
func (a *arReader) Next() (arMember, error) {
	if a.next >= a.r.Size() {
		return arMember{}, io.EOF
	}
	if a.count++; a.count > maxMembers {
		return arMember{}, fmt.Errorf("%w: more than %d members", ErrTooLarge, maxMembers)
	}
	header := make([]byte, arHeaderSize)
	if a.r.Size()-a.next < arHeaderSize {
		return arMember{}, fmt.Errorf("%w: %d bytes in place of a member's header", ErrTruncated, a.r.Size()-a.next)
	}
	if _, err := a.r.ReadAt(header, a.next); err != nil {
		return arMember{}, err
	}
	name, size, err := parseArHeader(header)
	if err != nil {
		return arMember{}, err
	}
	begin := a.next + arHeaderSize
	if size > a.r.Size()-begin {
		return arMember{}, fmt.Errorf("member %q: %w: %d bytes of %d", name, ErrTruncated, a.r.Size()-begin, size)
	}
	a.next = begin + size + size%2
	return arMember{name: name, data: io.NewSectionReader(a.r, begin, size)}, nil
}

func parseArHeader(header []byte) (name string, size int64, err error) {
	if !bytes.HasSuffix(header, []byte(arHeaderEnd)) {
		return "", 0, fmt.Errorf("%w: malformed header of a member", ErrWrongPackage)
	}
	name = strings.TrimSuffix(strings.TrimRight(string(header[:16]), " "), "/")
	size, err = strconv.ParseInt(strings.TrimRight(string(header[48:58]), " "), 10, 64)
	if err != nil || size < 0 {
		return "", 0, fmt.Errorf("member %q: %w: malformed size", name, ErrWrongPackage)
	}
	return name, size, nil
}
