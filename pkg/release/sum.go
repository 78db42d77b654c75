package release

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxSumFile is the maximum size in bytes of a digest file, which consists of one line
// with a digest and a file name. A larger file is an error.
const maxSumFile = 4096

// ParseSum returns the digest, in hex, from the line that sha256sum prints for the file
// name. The line may end as on Unix or on Windows. Its errors wrap ErrBadDigestFile.
func ParseSum(text, name string) (string, error) {
	line, rest, _ := strings.Cut(text, "\n")
	line = strings.TrimSuffix(line, "\r")
	sum, file, found := strings.Cut(line, " ")
	if !found || rest != "" || !isDigest(sum) {
		return "", fmt.Errorf("digest of %s: %w: want one line of sha256sum", name, ErrBadDigestFile)
	}
	if file != " "+name && file != "*"+name { // text or binary mode
		return "", fmt.Errorf("digest of %s: %w: it is the digest of %q", name, ErrBadDigestFile, strings.TrimLeft(file, " *"))
	}
	return sum, nil
}

func isDigest(text string) bool {
	return len(text) == 2*sha256.Size && strings.Trim(text, "0123456789abcdef") == ""
}

// readSum returns the digest of the file called name from the digest file at path.
func readSum(path, name string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSumFile+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxSumFile {
		return "", fmt.Errorf("digest of %s: %w", name, ErrTooLarge)
	}
	return ParseSum(string(text), name)
}

// SumFile returns the SHA-256 of the file at path in lower-case hex. It blocks until it has
// read the file.
func SumFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
