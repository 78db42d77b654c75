package renewal

import (
	"errors"
	"io/fs"
	"path"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
)

// markDir has a file for each certificate whose users have to be told that it
// is new.  It is there before the certificate is, so that a kill in between
// leaves nobody with the old one.
const markDir = "/var/lib/neco/renewal"

func markFile(p pki.Purpose) string { return path.Join(markDir, p.Name) }

func (s Server) mark(p pki.Purpose) error {
	_, err := s.FS.Write(host.File{Path: markFile(p), Mode: 0o600})
	return err
}

func (s Server) unmark(p pki.Purpose) error { return s.FS.Remove(markFile(p)) }

// marked says whether somebody is still to be told.
func (s Server) marked(p pki.Purpose) bool {
	_, err := s.FS.Stat(markFile(p))
	return err == nil
}

func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }
