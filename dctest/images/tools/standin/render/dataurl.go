package render

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
)

// source renders a file whose source is the URL s. For a data URL it applies text to the
// contents and returns them as a data URL; for the URL of a remote file it applies text
// to s.
func source(s string, text func(string) (string, error)) (string, error) {
	data, isData := strings.CutPrefix(s, "data:")
	if !isData {
		return text(s)
	}
	contents, err := decode(data)
	if err != nil {
		return "", err
	}
	rendered, err := text(contents)
	return "data:," + url.PathEscape(rendered), err
}

// decode returns the contents of a data URL, which is given without "data:".
func decode(data string) (string, error) {
	kind, contents, found := strings.Cut(data, ",")
	if !found {
		return "", fmt.Errorf("data URL without a comma")
	}
	contents, err := url.PathUnescape(contents)
	if err != nil || !strings.HasSuffix(kind, ";base64") {
		return contents, err
	}
	raw, err := base64.StdEncoding.DecodeString(contents)
	return string(raw), err
}
