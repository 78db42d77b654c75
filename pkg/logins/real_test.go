//go:build login

package logins

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// realServer returns a boot server with the real sshd and visudo, and with a host key.
func realServer(t *testing.T) Server {
	t.Helper()
	s, _ := server(t)
	for _, program := range []string{sshd, visudo} {
		// A script, because sshd finds its libraries from /.
		put(t, s, program, "#!/bin/sh\nexec "+program+" \"$@\"\n", 0o755)
	}
	hostKey := filepath.Join(t.TempDir(), "host_key")
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", hostKey).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("/etc/ssh/sshd_config")
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, "/etc/ssh/sshd_config", string(data)+"\nHostKey "+hostKey+"\n", 0o644)
	return s
}

func TestTheRealSSHDAcceptsTheDropIn(t *testing.T) {
	s := realServer(t)
	if note, err := s.SSH(t.Context()); err != nil || !strings.Contains(note, "ssh-copy-id") {
		t.Errorf("without a key: %q, %v", note, err)
	}
	put(t, s, keys, key(t), 0o600)
	if note, err := s.SSH(t.Context()); err != nil || note != "" || !written(t, s) {
		t.Errorf("with a key: %q, %v", note, err)
	}
	put(t, s, "/etc/ssh/sshd_config.d/10-first.conf", "PasswordAuthentication yes\n", 0o644)
	if note, err := s.SSH(t.Context()); err != nil || !strings.Contains(note, "sshd -T") {
		t.Errorf("overridden: %q, %v", note, err)
	}
	put(t, s, "/etc/ssh/sshd_config.d/10-first.conf", "AllowUsers bob\n", 0o644)
	if note, err := s.SSH(t.Context()); err != nil || !strings.Contains(note, "ssh-copy-id") {
		t.Errorf("alice is not allowed: %q, %v", note, err)
	}
	put(t, s, "/etc/ssh/sshd_config.d/10-first.conf", "PasswordAuthentication maybe\n", 0o644)
	_, err := s.SSH(t.Context())
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "/etc/ssh/sshd_config.d/10-first.conf line 1") {
		t.Errorf("refused: %v", err)
	}
}

func TestTheRealVisudoAcceptsTheFile(t *testing.T) {
	s := realServer(t)
	if note, err := s.Sudo(t.Context()); err != nil || note != "" {
		t.Errorf("%q, %v", note, err)
	}
	if data, err := s.FS.Read(sudoDropIn); err != nil || string(data) != string(sudoText) {
		t.Errorf("%q, %v", data, err)
	}
}
