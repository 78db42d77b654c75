package logins

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// account is an account in /etc/passwd.
type account struct {
	name, home, shell string
	uid               int
	groups            []string
	// locked means that the password is locked, expired that the account is.
	locked, expired bool
}

// accounts returns the accounts of the host in the order of /etc/passwd.
func (s Server) accounts() ([]account, error) {
	var all []account
	byGID := map[string][]int{}
	err := s.fields("/etc/passwd", 7, func(f []string) {
		uid, err := strconv.Atoi(f[2])
		if err != nil {
			return
		}
		byGID[f[3]] = append(byGID[f[3]], len(all))
		all = append(all, account{name: f[0], uid: uid, home: f[5], shell: f[6]})
	})
	if err != nil {
		return nil, err
	}
	err = s.fields("/etc/group", 4, func(f []string) {
		for i := range all {
			if slices.Contains(byGID[f[2]], i) || slices.Contains(strings.Split(f[3], ","), all[i].name) {
				all[i].groups = append(all[i].groups, f[0])
			}
		}
	})
	if err != nil {
		return nil, err
	}
	today := time.Now().Unix() / (24 * 60 * 60)
	err = s.fields("/etc/shadow", 9, func(f []string) {
		for i := range all {
			if all[i].name != f[0] {
				continue
			}
			day, err := strconv.ParseInt(f[7], 10, 64)
			all[i].locked = strings.HasPrefix(f[1], "!")
			all[i].expired = err == nil && day >= 0 && day <= today
		}
	})
	return all, err
}

// fields calls f with the fields of each line of the file p that has n fields separated by
// colons.
func (s Server) fields(p string, n int, f func([]string)) error {
	data, err := s.FS.Read(p)
	if err != nil {
		return fmt.Errorf("list accounts: %w", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if fields := strings.Split(lines.Text(), ":"); len(fields) == n && fields[0] != "" {
			f(fields)
		}
	}
	return lines.Err()
}

// hasShell reports whether the shell of a lets it log in.
func (s Server) hasShell(a account) bool {
	shell := a.shell
	if shell == "" {
		shell = "/bin/sh"
	}
	if slices.Contains([]string{"nologin", "false", "true", "sync", "halt", "shutdown"}, filepath.Base(shell)) {
		return false
	}
	info, err := s.FS.Stat(shell)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// maxKeys is the size in bytes up to which a file of keys is read.
const maxKeys = 1 << 20

// hasKey reports whether sshd accepts a key in ~/.ssh/authorized_keys of a for a shell.
// Owners and modes of the file and its directories must be those that sshd requires. A
// file that cannot be read counts as missing.
func (s Server) hasKey(a account) bool {
	if !filepath.IsAbs(a.home) {
		return false
	}
	for _, dir := range []string{a.home, filepath.Join(a.home, ".ssh")} {
		if info, err := s.FS.Stat(dir); err != nil || !info.IsDir() || !safe(info, a) {
			return false
		}
	}
	// An account can replace its file by a pipe, on which an ordinary open would block.
	file, err := os.OpenFile(s.FS.Path(filepath.Join(a.home, ".ssh/authorized_keys")), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() || !safe(info, a) {
		return false
	}
	data, err := io.ReadAll(io.LimitReader(file, maxKeys))
	return err == nil && anyKey(data)
}

// safe reports whether only the account a and root can change the file, without which
// sshd ignores it.
func safe(info fs.FileInfo, a account) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && (st.Uid == 0 || int(st.Uid) == a.uid) && info.Mode()&0o022 == 0
}

// anyKey reports whether data, the contents of an authorized_keys file, contains a key
// for logging in with a shell. Keys for one command, for certificates or for a limited
// time do not count.
func anyKey(data []byte) bool {
	for len(data) > 0 {
		key, _, options, rest, err := ssh.ParseAuthorizedKey(data)
		if err != nil {
			return false
		}
		data = rest
		if key.Type() != "ssh-dss" && !slices.ContainsFunc(options, limits) {
			return true
		}
	}
	return false
}

func limits(option string) bool {
	name, _, _ := strings.Cut(strings.ToLower(option), "=")
	return slices.Contains([]string{"command", "cert-authority", "expiry-time", "from"}, name)
}
