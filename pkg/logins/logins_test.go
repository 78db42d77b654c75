package logins

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/cybozu-go/neco/pkg/host"
)

// key returns a line of authorized_keys.
func key(t *testing.T) string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(ssh.MarshalAuthorizedKey(k))
}

// standIn is a program in place of sshd: it refuses a configuration that contains the
// word Refused, and prints the settings of the files in the order in which it reads them.
const standIn = `#!/bin/sh
dir=${3%/*}
if grep -qs Refused "$3" "$dir"/sshd_config.d/*.conf; then echo "$dir/sshd_config.d/x.conf line 1: Bad configuration option"; exit 255; fi
[ "$1" = -T ] || exit 0
cat "$dir"/sshd_config.d/*.conf | awk '!seen[$1]++ && !/^#/ { $1 = tolower($1); print }'
echo pubkeyauthentication yes
echo usepam yes
echo permitrootlogin without-password
echo authenticationmethods any
`

// server returns a boot server with sshd and an account alice, and the services that were
// reloaded.
func server(t *testing.T) (Server, *[]string) {
	t.Helper()
	var reloaded []string
	s := Server{FS: host.FS{Root: t.TempDir()}, Reload: func(_ context.Context, name string) error {
		reloaded = append(reloaded, name)
		return nil
	}}
	put(t, s, "/usr/sbin/sshd", standIn, 0o755)
	put(t, s, "/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n", 0o644)
	put(t, s, "/bin/bash", "", 0o755)
	put(t, s, "/etc/passwd", fmt.Sprintf("daemon:x:1:1::/:/usr/sbin/nologin\nalice:x:%d:1000::/home/alice:/bin/bash\n", os.Getuid()), 0o644)
	put(t, s, "/etc/group", "sudo:x:27:alice\nalice:x:1000:\n", 0o644)
	put(t, s, "/etc/shadow", "alice:!:19000:0:99999:7:::\n", 0o600)
	return s, &reloaded
}

func put(t *testing.T, s Server, name, text string, mode os.FileMode) {
	t.Helper()
	if _, err := s.FS.Write(host.File{Path: name, Data: []byte(text), Mode: mode, UID: os.Getuid(), GID: os.Getgid()}); err != nil {
		t.Fatal(err)
	}
}

const keys = "/home/alice/.ssh/authorized_keys"

func written(t *testing.T, s Server) bool {
	t.Helper()
	there, err := s.FS.Exists(sshDropIn)
	if err != nil {
		t.Fatal(err)
	}
	return there
}

func TestPasswordsStayUntilAKeyIsThere(t *testing.T) {
	s, reloaded := server(t)
	if note, err := s.SSH(t.Context()); err != nil || !strings.Contains(note, "ssh-copy-id") || written(t, s) || len(*reloaded) > 0 {
		t.Errorf("without a key: %q, %v, reloaded %v", note, err, *reloaded)
	}
	put(t, s, keys, "# my key\n"+key(t), 0o600)
	for _, when := range []string{"at first", "again"} {
		if note, err := s.SSH(t.Context()); err != nil || note != "" || !written(t, s) || len(*reloaded) != 1 {
			t.Errorf("%s: %q, %v, reloaded %v", when, note, err, *reloaded)
		}
	}
	left, err := os.ReadDir(s.FS.Path("/run/neco"))
	if err != nil || len(left) > 0 {
		t.Errorf("files left: %v, %v", left, err)
	}
}

func TestAReloadThatFailedIsRepeated(t *testing.T) {
	s, reloaded := server(t)
	put(t, s, keys, key(t), 0o600)
	good := s.Reload
	s.Reload = func(context.Context, string) error { return errors.New("no systemd") }
	if _, err := s.SSH(t.Context()); err == nil {
		t.Error("no error")
	}
	s.Reload = good
	if _, err := s.SSH(t.Context()); err != nil || len(*reloaded) != 1 {
		t.Errorf("%v, reloaded %v", err, *reloaded)
	}
}

func TestAConfigurationThatSSHDRefusesReplacesNothing(t *testing.T) {
	s, reloaded := server(t)
	put(t, s, keys, key(t), 0o600)
	put(t, s, "/etc/ssh/sshd_config.d/other.conf", "Refused yes\n", 0o644)
	_, err := s.SSH(t.Context())
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "/etc/ssh/sshd_config.d/x.conf line 1") || written(t, s) || len(*reloaded) > 0 {
		t.Errorf("%v, reloaded %v", err, *reloaded)
	}
}

func TestWhatStopsTheDropInIsNamed(t *testing.T) {
	s, _ := server(t)
	put(t, s, keys, key(t), 0o600)
	put(t, s, "/etc/ssh/sshd_config", "UsePAM yes\n", 0o644)
	if note, err := s.SSH(t.Context()); err != nil || !strings.Contains(note, "Include") || written(t, s) {
		t.Errorf("not included: %q, %v", note, err)
	}
	put(t, s, "/etc/ssh/sshd_config", "include sshd_config.d/*.conf\n", 0o644)
	put(t, s, "/etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication yes\n", 0o644)
	if note, err := s.SSH(t.Context()); err != nil || !strings.Contains(note, "sshd -T") || !written(t, s) {
		t.Errorf("overridden: %q, %v", note, err)
	}
}

func TestWhichFilesOfKeysCount(t *testing.T) {
	good := key(t)
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want bool
	}{
		"a key":                                {good, 0o600, true},
		"a key after garbage":                  {"garbage\n\n# comment\n" + good, 0o600, true},
		"a key with options":                   {"no-pty,no-X11-forwarding " + good, 0o600, true},
		"nothing":                              {"", 0o600, false},
		"garbage":                              {"ssh-ed25519 AAAA\n", 0o600, false},
		"a key for one command":                {`command="/bin/date" ` + good, 0o600, false},
		"a CA":                                 {"cert-authority " + good, 0o600, false},
		"a key for some time":                  {`expiry-time="20200101" ` + good, 0o600, false},
		"a file that others can change":        {good, 0o666, false},
		"a key for one command and a free one": {`command="/bin/date" ` + good + good, 0o600, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := server(t)
			put(t, s, keys, c.text, c.mode)
			all, err := s.accounts()
			if err != nil {
				t.Fatal(err)
			}
			if got := s.hasKey(all[1]); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
	t.Run("a pipe", func(t *testing.T) {
		s, _ := server(t)
		put(t, s, filepath.Dir(keys)+"/x", "", 0o600)
		if err := syscall.Mkfifo(s.FS.Path(keys), 0o600); err != nil {
			t.Fatal(err)
		}
		if s.hasKey(account{home: "/home/alice", uid: os.Getuid()}) {
			t.Error("it counts")
		}
	})
	t.Run("of another owner", func(t *testing.T) {
		s, _ := server(t)
		put(t, s, keys, good, 0o600)
		if uid := os.Getuid() + 1; os.Getuid() != 0 && s.hasKey(account{home: "/home/alice", uid: uid}) {
			t.Error("it counts")
		}
	})
}

func TestWhichAccountsMayLogIn(t *testing.T) {
	alice := account{name: "alice", uid: 1000, groups: []string{"sudo"}}
	root := account{name: "root"}
	with := func(more ...string) rules {
		r := rules{"pubkeyauthentication": {"yes"}, "authorizedkeysfile": {".ssh/authorized_keys"}, "usepam": {"yes"}, "permitrootlogin": {"without-password"}, "authenticationmethods": {"any"}}
		for i := 0; i < len(more); i += 2 {
			r[more[i]] = []string{more[i+1]}
		}
		return r
	}
	locked := alice
	locked.locked = true
	for name, c := range map[string]struct {
		r    rules
		a    account
		want bool
	}{
		"alice":                              {with(), alice, true},
		"root":                               {with(), root, true},
		"without keys":                       {with("pubkeyauthentication", "no"), alice, false},
		"with keys elsewhere":                {with("authorizedkeysfile", "/etc/keys/%u"), alice, false},
		"root without permission":            {with("permitrootlogin", "no"), root, false},
		"alice where root has no permission": {with("permitrootlogin", "no"), alice, true},
		"a locked password with PAM":         {with(), locked, true},
		"a locked password without PAM":      {with("usepam", "no"), locked, false},
		"key and password":                   {with("authenticationmethods", "publickey,password"), alice, false},
		"key alone or with a password":       {with("authenticationmethods", "publickey,password publickey"), alice, true},
		"a denied user":                      {with("denyusers", "al*"), alice, false},
		"a denied group":                     {with("denygroups", "sudo"), alice, false},
		"an allowed user":                    {with("allowusers", "bob alice@10.*"), alice, true},
		"only another user":                  {with("allowusers", "bob"), alice, false},
		"only another group":                 {with("allowgroups", "wheel"), alice, false},
	} {
		if got := c.r.admit(c.a); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestAccountsWithoutAShellOrExpiredDoNotCount(t *testing.T) {
	s, _ := server(t)
	put(t, s, keys, key(t), 0o600)
	for name, c := range map[string]struct{ file, old, replacement string }{
		"no shell":      {"/etc/passwd", "/bin/bash", "/usr/sbin/nologin"},
		"missing shell": {"/etc/passwd", "/bin/bash", "/bin/absent"},
		"expired":       {"/etc/shadow", ":7:::", ":7::1:"},
	} {
		data, err := s.FS.Read(c.file)
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, c.file, strings.Replace(string(data), c.old, c.replacement, 1), 0o600)
		if note, err := s.SSH(t.Context()); err != nil || note == "" || written(t, s) {
			t.Errorf("%s: %q, %v", name, note, err)
		}
		put(t, s, c.file, string(data), 0o600)
	}
	if note, err := s.SSH(t.Context()); err != nil || note != "" {
		t.Errorf("at the end: %q, %v", note, err)
	}
}

func TestSudoIsConfiguredOnce(t *testing.T) {
	s, _ := server(t)
	if note, err := s.Sudo(t.Context()); err != nil || note != "no sudo here" {
		t.Errorf("without visudo: %q, %v", note, err)
	}
	put(t, s, visudo, "#!/bin/sh\necho \"$3:1:1: syntax error\"; exit 1\n", 0o755)
	_, err := s.Sudo(t.Context())
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "/etc/sudoers.d/cybozu:1:1: syntax error") {
		t.Errorf("visudo refuses: %v", err)
	}
	put(t, s, visudo, "#!/bin/sh\ngrep -q NOPASSWD \"$3\"\n", 0o755)
	if _, err := s.Sudo(t.Context()); err != nil {
		t.Fatal(err)
	}
	if info, err := s.FS.Stat(sudoDropIn); err != nil || info.Mode().Perm() != 0o440 {
		t.Errorf("%v, %v", info, err)
	}
	put(t, s, sudoDropIn, "# an operator's\n", 0o440)
	if _, err := s.Sudo(t.Context()); err != nil {
		t.Fatal(err)
	}
	if data, err := s.FS.Read(sudoDropIn); err != nil || string(data) != "# an operator's\n" {
		t.Errorf("%q, %v", data, err)
	}
}
