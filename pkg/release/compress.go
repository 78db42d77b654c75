package release

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// maxWindow is the maximum memory in bytes that decompression may allocate; a file that
// requires more is refused. Packages built by dpkg-deb need 8 MiB, or 64 MiB at the
// highest level.
const maxWindow = 64 << 20

// decompress returns a reader of the decompressed data of member, and a function that
// releases the reader. The suffix of the member's name determines the compression.
func decompress(member arMember) (io.Reader, func(), error) {
	nothing := func() {}
	switch _, ending, _ := strings.Cut(member.name, ".tar"); ending {
	case "":
		return member.data, nothing, nil
	case ".gz":
		r, err := gzip.NewReader(member.data)
		if err != nil {
			return nil, nil, damaged(err)
		}
		return r, nothing, nil
	case ".xz":
		r, err := newXZReader(member.data)
		return r, nothing, err
	case ".zst":
		r, err := zstd.NewReader(member.data, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxMemory(maxWindow), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, damaged(err)
		}
		return r, r.Close, nil
	default:
		return nil, nil, fmt.Errorf("%w: unknown compression %q", ErrWrongPackage, ending)
	}
}

// The layout of an xz file. It begins with a stream header, followed by a block header,
// which ends with the properties of the block's filter. For the filter LZMA2, these are
// the dictionary size.
const (
	xzStreamHeader = 12
	xzBlockHeader  = 1024 // at most
	xzFilterLZMA2  = 0x21
)

// newXZReader returns a reader of the decompressed data of the xz file r. It fails if the
// first block needs a dictionary larger than maxWindow, because the xz package would
// allocate it unchecked.
func newXZReader(r io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(r, xzStreamHeader+xzBlockHeader)
	head, err := buffered.Peek(xzStreamHeader + 1)
	if err != nil {
		return nil, damaged(err)
	}
	head, err = buffered.Peek(xzStreamHeader + (int(head[xzStreamHeader])+1)*4)
	if err != nil {
		return nil, damaged(err)
	}
	size, err := xzDictionary(head[xzStreamHeader:])
	if err != nil {
		return nil, err
	}
	if size > maxWindow {
		return nil, fmt.Errorf("%w: xz dictionary of %d bytes", ErrTooLarge, size)
	}
	unpacked, err := xz.ReaderConfig{SingleStream: true, DictCap: lzma.MinDictCap}.NewReader(buffered)
	if err != nil {
		return nil, damaged(err)
	}
	return unpacked, nil
}

// xzDictionary returns the dictionary size from the header of an xz block.
func xzDictionary(header []byte) (int64, error) {
	malformed := fmt.Errorf("%w: malformed xz block", ErrWrongPackage)
	if len(header) < 8 || header[1]&0x3f != 0 { // reserved bits, or several filters
		return 0, malformed
	}
	rest := header[2:]
	for _, sizeGiven := range []byte{0x40, 0x80} { // compressed, uncompressed
		if header[1]&sizeGiven == 0 {
			continue
		}
		for len(rest) > 0 && rest[0]&0x80 != 0 {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return 0, malformed
		}
		rest = rest[1:]
	}
	if len(rest) < 3 || rest[0] != xzFilterLZMA2 || rest[1] != 1 {
		return 0, malformed
	}
	size, err := lzma.DecodeDictCap(rest[2])
	if err != nil {
		return 0, malformed
	}
	return size, nil
}
