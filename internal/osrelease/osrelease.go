// Package osrelease reads the description of the operating system in os-release(5).
package osrelease

import (
	"errors"
	"io/fs"
	"strings"
)

// files returns the possible paths of os-release. The first file that exists is used.
func files() [2]string { return [...]string{"/etc/os-release", "/usr/lib/os-release"} }

// Read returns the values in the os-release of a host. The function read returns the
// contents of a file of that host. If neither possible file exists, the error wraps
// fs.ErrNotExist.
func Read(read func(path string) ([]byte, error)) (map[string]string, error) {
	var missing error
	for _, path := range files() {
		data, err := read(path)
		if errors.Is(err, fs.ErrNotExist) {
			missing = err
			continue
		}
		if err != nil {
			return nil, err
		}
		return Parse(string(data)), nil
	}
	return nil, missing
}

// Parse returns the values that text assigns to names. If a name is assigned more than
// once, the last value counts; if that is empty, the result does not contain the name.
// Comments and malformed lines are ignored.
func Parse(text string) map[string]string {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, found := strings.Cut(line, "=")
		if !found || strings.HasPrefix(line, "#") {
			continue
		}
		if value = unquote(value); value == "" {
			delete(values, name)
			continue
		}
		values[name] = value
	}
	return values
}

// unquote removes quotes and backslashes as a shell does: within single quotes a
// backslash is literal, within double quotes it escapes $ " \ and `.
func unquote(s string) string {
	var b strings.Builder
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == '\\' && quote != '\'' && i+1 < len(s) && (quote == 0 || strings.IndexByte("$\"\\`", s[i+1]) >= 0):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
