// Package resolver owns /etc/resolv.conf of a boot server, with which names in the
// Kubernetes cluster resolve on the server.
//
// It must not know which program resolves these names, nor when that program is started.
package resolver

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco/pkg/host"
)

// path is the file, and kept the copy of the file that was there before.
const (
	path = "/etc/resolv.conf"
	kept = path + ".before-neco"
)

// Local is the address at which the resolver of a boot server listens, the nameserver in
// [File].
const Local = "127.0.0.1:53"

// ClusterName is a name that resolves in every Kubernetes cluster, and only there.
const ClusterName = "kubernetes.default.svc.cluster.local"

// queryTimeout is how long the resolver may take for all names. A working resolver
// responds within milliseconds.
const queryTimeout = 3 * time.Second

//go:embed resolv.conf
var text []byte

// File returns the file that makes a boot server use its local resolver.
func File() host.File { return host.File{Path: path, Data: text, Mode: 0o644} }

// Server is the boot server whose names are to be resolved.
type Server struct {
	FS host.FS
	// IsActive reports whether a service is running; see [host.Units.IsActive].
	IsActive func(ctx context.Context, name string) (bool, error)
	// Address is the address of the local resolver.
	Address string
}

// Use makes the server use its local resolver, if that resolves all names. It keeps a copy
// of the first file that it replaces. The note says why the file was replaced, or not; it
// is empty if the server uses the local resolver already.
//
// Use returns an error only if it cannot find out how names are resolved now.
func (s Server) Use(ctx context.Context, names ...string) (note string, err error) {
	data, link, err := s.current()
	if err != nil || link == "" && same(data, text) {
		return "", err
	}
	if link != "" {
		return leftAlone("it is a link to %s, which another program writes; replace the link by a file", link), nil
	}
	const other = "systemd-resolved"
	active, err := s.IsActive(ctx, other)
	if err != nil {
		return "", err
	}
	if active {
		return leftAlone("%s is active; run systemctl disable --now %s", other, other), nil
	}
	if err := s.resolve(ctx, names); err != nil {
		return leftAlone("%v", err), nil
	}
	if err := s.replace(data); err != nil {
		return leftAlone("%v", err), nil
	}
	return path + " replaced", nil
}

// leftAlone returns the note for a file that stays as it is.
func leftAlone(format string, args ...any) string {
	return "/etc/resolv.conf left alone: " + fmt.Sprintf(format, args...)
}

// current returns the contents of the file, or nil if it does not exist. If the file is a
// symbolic link, current returns only the link's target.
func (s Server) current() (data []byte, link string, err error) {
	info, err := os.Lstat(s.FS.Path(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		link, err = os.Readlink(s.FS.Path(path))
		return nil, link, err
	}
	data, err = s.FS.Read(path)
	return data, "", err
}

// resolve returns nil if the local resolver has an IPv4 address for each name. It does not
// use the resolvers that the server uses now.
func (s Server) resolve(ctx context.Context, names []string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, queryTimeout, fmt.Errorf("no response within %s", queryTimeout))
	defer cancel()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Address)
	}}
	for _, name := range names {
		// The dot at the end prevents that the names in "search" are appended.
		if _, err := r.LookupNetIP(ctx, "ip4", strings.TrimSuffix(name, ".")+"."); err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return fmt.Errorf("%s does not resolve %s: %w", s.Address, name, reason(err))
		}
	}
	return nil
}

// reason returns the reason in err without the address of a resolver: Go's error names the
// one in the current file, which was not asked.
func reason(err error) error {
	if failed := (*net.DNSError)(nil); errors.As(err, &failed) {
		return errors.New(failed.Err)
	}
	return err
}

// replace writes the file. It first copies data, the current contents, unless a copy of an
// earlier file exists or data is nil.
func (s Server) replace(data []byte) error {
	copied, err := s.FS.Exists(kept)
	if err != nil {
		return err
	}
	if !copied && data != nil {
		if _, err := s.FS.Write(host.File{Path: kept, Data: data, Mode: 0o644}); err != nil {
			return err
		}
	}
	_, err = s.FS.Write(File())
	return err
}

// same reports whether two files have the same settings, see resolv.conf(5).
func same(a, b []byte) bool { return slices.Equal(settings(a), settings(b)) }

// settings returns the lines of data without comments and superfluous space, sorted.
func settings(data []byte) []string {
	var all []string
	for line := range strings.Lines(string(data)) {
		if words := strings.Fields(line); len(words) > 0 && !strings.ContainsAny(words[0][:1], "#;") {
			all = append(all, strings.Join(words, " "))
		}
	}
	slices.Sort(all)
	return all
}
