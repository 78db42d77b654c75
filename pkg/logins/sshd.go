package logins

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/cybozu-go/neco/pkg/host"
)

// loadedFile contains the digest of the drop-in that sshd has loaded. It is written after
// the reload, so that a reload which was interrupted is repeated.
const loadedFile = "/var/lib/neco/logins/sshd"

// SSH makes sshd accept keys only and record sessions. It replaces the drop-in only if
// sshd accepts the whole configuration with it and if at least one account can log in
// with a key, and then reloads sshd, which keeps its sessions.
//
// The note says why the drop-in was not written or has no effect, and what to do. It is
// empty if sshd works as wanted. An error that wraps ErrRefused would occur again.
func (s Server) SSH(ctx context.Context) (note string, err error) {
	if here, err := s.FS.Exists(sshd); err != nil || !here {
		return "no sshd here", err
	}
	dir, err := s.tempDir()
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	included, err := s.candidate(dir)
	if err != nil {
		return "", err
	}
	if !included {
		return fmt.Sprintf("sshd not configured: %s/sshd_config does not include %s/*.conf; add the Include line", sshDir, filepath.Dir(sshDropIn)), nil
	}
	if out, err := s.run(ctx, sshd, "-t", "-f", mainFile(dir)); err != nil {
		return "", fmt.Errorf("sshd refuses its configuration with %s: %w: %s", sshDropIn, ErrRefused, strings.ReplaceAll(out, dir, sshDir))
	}
	who, rules, err := s.keyLogin(ctx, mainFile(dir))
	if err != nil {
		return "", err
	}
	if who == "" {
		return "passwords for SSH stay allowed and sessions unrecorded: nobody could log in with a key; add one with ssh-copy-id", nil
	}
	if _, err := s.FS.Write(host.File{Path: sshDropIn, Data: sshText, Mode: 0o644}); err != nil {
		return "", err
	}
	return ineffective(rules), s.load(ctx)
}

// load reloads sshd unless it has loaded the drop-in already.
func (s Server) load(ctx context.Context) error {
	sum := sha256.Sum256(sshText)
	want := hex.EncodeToString(sum[:]) + "\n"
	if have, err := s.FS.Read(loadedFile); err == nil && string(have) == want {
		return nil
	}
	if err := s.Reload(ctx, sshService); err != nil {
		return fmt.Errorf("reload sshd: %w", err)
	}
	_, err := s.FS.Write(host.File{Path: loadedFile, Data: []byte(want), Mode: 0o644})
	return err
}

func mainFile(dir string) string { return filepath.Join(dir, "sshd_config") }

// include matches a line with the keyword Include, and dropIns the directory of the
// drop-in files in it, which may be relative to /etc/ssh.
var (
	include = regexp.MustCompile(`(?im)^[ \t]*Include[ \t=].*$`)
	dropIns = regexp.MustCompile(`([ \t="])(?:` + sshDir + `/)?sshd_config\.d/`)
)

// candidate writes to dir a copy of sshd's configuration that contains the new drop-in,
// and reports whether the configuration includes drop-in files.
func (s Server) candidate(dir string) (included bool, err error) {
	text, err := s.FS.Read(sshDir + "/sshd_config")
	if err != nil {
		return false, err
	}
	copied := filepath.Join(dir, "sshd_config.d")
	text = include.ReplaceAllFunc(text, func(line []byte) []byte {
		included = included || dropIns.Match(line)
		return dropIns.ReplaceAll(line, []byte("${1}"+copied+"/"))
	})
	files := map[string][]byte{mainFile(dir): text, filepath.Join(copied, filepath.Base(sshDropIn)): sshText}
	others, err := filepath.Glob(s.FS.Path(filepath.Dir(sshDropIn) + "/*.conf"))
	if err != nil {
		return false, err
	}
	for _, name := range others {
		if filepath.Base(name) == filepath.Base(sshDropIn) {
			continue
		}
		if files[filepath.Join(copied, filepath.Base(name))], err = os.ReadFile(name); err != nil {
			return false, err
		}
	}
	// sshd checks a configuration only if this directory exists; it is missing if sshd has
	// not been started since the boot.
	if err := s.FS.MakeDir(host.Dir{Path: "/run/sshd", Mode: 0o755}); err != nil {
		return false, err
	}
	if err := os.MkdirAll(copied, 0o700); err != nil {
		return false, err
	}
	for name, data := range files {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			return false, err
		}
	}
	return included, nil
}

// ineffective returns a note if other files of sshd's configuration take precedence over
// the drop-in, and "" otherwise.
func ineffective(r rules) string {
	if r.is("passwordauthentication", "no") && r.is("kbdinteractiveauthentication", "no") && r.is("forcecommand", forceCommand()) {
		return ""
	}
	return fmt.Sprintf("another file of sshd overrides %s; see sshd -T", sshDropIn)
}

// forceCommand returns the command in the drop-in.
func forceCommand() string {
	for line := range strings.Lines(string(sshText)) {
		if command, ok := strings.CutPrefix(line, "ForceCommand "); ok {
			return strings.TrimSpace(command)
		}
	}
	return ""
}
