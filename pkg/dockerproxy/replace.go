package dockerproxy

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"

	"github.com/cybozu-go/neco/pkg/host"
)

// kind describes what a drop-in of Docker's unit sets.
type kind int

const (
	// unrelated drop-ins set no proxy.
	unrelated kind = iota
	// proxyOnly drop-ins set Docker's proxy in the form of this package or of
	// cybozu-go/neco, and nothing else.
	proxyOnly
	// mixed drop-ins set a proxy and something else.
	mixed
)

// Foreign returns why this package must not change Docker's proxy, with the path of the
// drop-in at fault and what to do: the drop-in has other settings, or it sets the proxy and
// was not written by Neco. Foreign returns "" if there is no such drop-in.
func Foreign(fsys host.FS) (string, error) {
	found, err := filepath.Glob(fsys.Path(dir() + "/*.conf"))
	if err != nil {
		return "", err
	}
	for _, name := range found {
		p := path.Join(dir(), filepath.Base(name))
		data, err := fsys.Read(p)
		if err != nil {
			return "", err
		}
		if reason := foreign(p, classify(data)); reason != "" {
			return reason, nil
		}
	}
	return "", nil
}

// foreign does the same as Foreign for the drop-in at the path p, which is of this kind.
func foreign(p string, is kind) string {
	switch {
	case p == dropIn() && is != proxyOnly:
		return fmt.Sprintf("Neco would replace %s, which has other settings than its own; move them to another file of that directory", p)
	case p != dropIn() && is == mixed:
		return fmt.Sprintf("%s sets it beside other settings; remove the proxy from it", p)
	case p != dropIn() && p != override() && is == proxyOnly:
		return fmt.Sprintf("%s sets it, which is not a file of Neco; remove it", p)
	}
	return ""
}

// Differs reports whether Replace would change a file.
func Differs(fsys host.FS, proxy string) (bool, error) {
	write, remove, err := changes(fsys, proxy)
	return len(write)+len(remove) > 0, err
}

// Replace writes the files that [Files] returns for proxy, and removes the other files
// that set Docker's proxy. Docker uses the new proxy after a restart. The caller has made
// sure that [Foreign] returns "".
func Replace(fsys host.FS, proxy string) error {
	write, remove, err := changes(fsys, proxy)
	if err != nil {
		return err
	}
	for _, f := range write {
		if _, err := fsys.Write(f); err != nil {
			return err
		}
	}
	for _, p := range remove {
		if err := fsys.Remove(p); err != nil {
			return err
		}
	}
	return nil
}

// changes returns the files that Replace has to write and the paths that it has to
// remove.
func changes(fsys host.FS, proxy string) (write []host.File, remove []string, err error) {
	files, err := Files(proxy)
	if err != nil {
		return nil, nil, err
	}
	wanted := map[string]bool{}
	for _, f := range files {
		wanted[f.Path] = true
		same, err := sameAs(fsys, f)
		if err != nil {
			return nil, nil, err
		}
		if !same {
			write = append(write, f)
		}
	}
	for _, p := range []string{dropIn(), override(), secretFile} {
		data, err := fsys.Read(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, nil, err
		case !wanted[p] && (p == secretFile || classify(data) == proxyOnly):
			remove = append(remove, p)
		}
	}
	return write, remove, nil
}

// sameAs reports whether the host has the file f with its contents and its mode.
func sameAs(fsys host.FS, f host.File) (bool, error) {
	info, err := os.Lstat(fsys.Path(f.Path))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || info.Mode() != f.Mode {
		return false, err
	}
	data, err := fsys.Read(f.Path)
	return bytes.Equal(data, f.Data), err
}

// classify returns the kind of the drop-in with the contents data. A file that cannot be
// parsed is mixed if it names a proxy.
func classify(data []byte) kind {
	options, err := unit.DeserializeOptions(bytes.NewReader(data))
	if err != nil {
		if strings.Contains(strings.ToUpper(string(data)), "_PROXY") {
			return mixed
		}
		return unrelated
	}
	proxies, others := 0, 0
	for _, o := range options {
		switch {
		case o.Section == "Service" && o.Name == "Environment":
			p, n := variables(o.Value)
			proxies, others = proxies+p, others+n
		case o.Section == "Service" && o.Name == "EnvironmentFile" && o.Value == secretFile:
			proxies++
		default:
			others++
		}
	}
	switch {
	case proxies == 0:
		return unrelated
	case others == 0:
		return proxyOnly
	}
	return mixed
}

// assignment matches one assignment of the setting Environment, see systemd.exec(5).
var assignment = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\S+`)

// variables counts the assignments in value, a setting Environment that may continue on
// further lines: those of a proxy, and the others. The list of hosts without proxy counts
// as neither if it is that of this package. Another list counts as other, because it would
// be lost.
func variables(value string) (proxies, others int) {
	for _, a := range assignment.FindAllString(strings.ReplaceAll(value, "\\\n", " "), -1) {
		name, to, _ := strings.Cut(strings.Trim(a, `"'`), "=")
		switch name := strings.ToUpper(name); {
		case name == "HTTP_PROXY", name == "HTTPS_PROXY":
			proxies++
		case name == "NO_PROXY" && to == direct:
		default:
			others++
		}
	}
	return proxies, others
}
