package renewal

import (
	"errors"
	"io/fs"
	"path"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
)

// pendingDir is a directory with a file for each certificate that programs must still
// reload. The file is created before the certificate is installed: if the renewer is
// killed in between, the reload is not forgotten.
const pendingDir = "/var/lib/neco/renewal"

func pendingFile(p pki.Profile) string { return path.Join(pendingDir, p.Name) }

func (s Server) setPendingReload(p pki.Profile) error {
	_, err := s.FS.Write(host.File{Path: pendingFile(p), Mode: 0o600})
	return err
}

func (s Server) clearPendingReload(p pki.Profile) error { return s.FS.Remove(pendingFile(p)) }

// pendingReload reports whether programs must still reload the certificate with the
// profile p.
func (s Server) pendingReload(p pki.Profile) bool {
	_, err := s.FS.Stat(pendingFile(p))
	return err == nil
}

func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
