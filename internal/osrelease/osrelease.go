// Package osrelease reads the description of the operating system by
// os-release(5).
package osrelease

import (
	"errors"
	"io/fs"
	"strings"
)

// files returns where the description is, the first that exists counts.
func files() [2]string { return [...]string{"/etc/os-release", "/usr/lib/os-release"} }

// Read returns the values of the host whose files read returns. A value that is
// empty counts as absent. Without either file the error is fs.ErrNotExist.
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

// Parse returns the assignments in text: the later one of a name counts, and
// removes it if it is empty. Comments and what is no assignment are skipped.
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

// unquote takes quotes and backslashes off as a shell does: within single quotes
// a backslash is itself, within double quotes it escapes $ " \ and `.
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
