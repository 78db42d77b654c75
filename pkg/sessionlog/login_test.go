//go:build login

package sessionlog_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestASessionWithATerminalIsRecorded(t *testing.T) {
	l := newLab(t)
	term := l.login(t)
	term.do(t, "echo got-$((40 + 2)); shopt login_shell", "got-42")
	term.do(t, "stty size", "24 80")
	term.end(t)
	l.uploads.waitFor(t, "got-42")
	if got := l.uploads.String(); !strings.HasPrefix(got, "PUT /bucket/session-log-") || !strings.Contains(got, "-root [typescript: ") || !strings.Contains(got, "[timing: ") {
		t.Errorf("uploads %q", got)
	}
	l.run(t, `test -z "$(ls /tmp)"`)
}

func TestCommandsRunWithoutARecording(t *testing.T) {
	l := newLab(t)
	for command, want := range map[string]string{
		`echo ${BASH_VERSION:+bash} "a  b"; exit 3`:    "bash a  b\n",
		`echo $SSH_ORIGINAL_COMMAND | wc -w`:           "5\n",
		`cat /proc/$$/comm; cat`:                       "bash\nfrom the client",
		`scp -t /tmp/absent/x; echo "$0" >&2; exit 0`:  "",
		`/usr/lib/openssh/sftp-server -h 2>/dev/null;`: "",
	} {
		session, err := l.connect(t).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		session.Stdin = strings.NewReader("from the client")
		out, err := session.Output(command)
		var exit *ssh.ExitError
		if strings.HasSuffix(command, "exit 3") != (errors.As(err, &exit) && exit.ExitStatus() == 3) {
			t.Errorf("%s: %v", command, err)
		}
		if want != "" && string(out) != want {
			t.Errorf("%s: %q, want %q", command, out, want)
		}
	}
	if got := l.uploads.String(); got != "" {
		t.Errorf("uploads %q", got)
	}
}

func TestSFTPWorks(t *testing.T) {
	l := newLab(t)
	for _, when := range []string{"with the package", "without it"} {
		session, err := l.connect(t).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		in, err := session.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := session.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := session.RequestSubsystem("sftp"); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(in, "\x00\x00\x00\x05\x01\x00\x00\x00\x03") // SSH_FXP_INIT, version 3
		reply := make([]byte, 9)
		if _, err := io.ReadFull(out, reply); err != nil || reply[4] != 2 {
			t.Errorf("%s: reply %q, %v", when, reply, err)
		}
		session.Close()
		l.run(t, "rm -rf /usr/bin/neco /usr/lib/neco")
	}
}

func TestALoginDependsOnNothingOfNeco(t *testing.T) {
	l := newLab(t)
	l.run(t, "mv /usr/bin/script /usr/bin/script.away")
	l.works(t, "/usr/bin/script")
	l.run(t, "mv /usr/bin/script.away /usr/bin/script")

	l.run(t, "dd if=/dev/zero of=/tmp/full bs=1M 2>/dev/null || :")
	l.works(t, "/tmp has 0 MiB left")
	l.run(t, "rm /tmp/full; mount -o remount,ro /tmp")
	l.works(t, "read-only file system")
	l.run(t, "mount -o remount,rw /tmp")

	l.run(t, "mv /usr/bin/neco /usr/bin/neco.away")
	l.works(t, "/usr/bin/neco is missing")
	for name, program := range map[string]string{
		"crashes": `printf '#!/bin/sh\nkill -SEGV $$\n'`, "is of another kind": "printf '\\177ELF garbage'", "knows no such flag": `printf '#!/bin/sh\nexit 2\n'`,
	} {
		l.run(t, program+" >/usr/bin/neco; chmod 755 /usr/bin/neco")
		t.Log("neco", name)
		l.works(t, "neco session-log start has failed")
	}
	l.run(t, "mv /usr/bin/neco.away /usr/bin/neco")
	if got := l.uploads.String(); got != "" {
		t.Errorf("uploads %q", got)
	}
	l.works(t, "")
	l.uploads.waitFor(t, "got-42")

	l.run(t, "rm -rf /usr/lib/neco")
	l.works(t, "")
}

// TestASessionOutlivesWhatHappensMeanwhile replaces neco as dpkg does, and fills /tmp,
// while a session runs.
func TestASessionOutlivesWhatHappensMeanwhile(t *testing.T) {
	l := newLab(t)
	term := l.login(t)
	term.do(t, "echo got-$((40 + 1))", "got-41")
	l.run(t, "cp /usr/bin/neco /usr/bin/neco.dpkg-new; cp /usr/lib/neco/login /usr/lib/neco/login.dpkg-new; "+
		"ln /usr/bin/neco /usr/bin/neco.dpkg-tmp; mv /usr/bin/neco.dpkg-new /usr/bin/neco; mv /usr/lib/neco/login.dpkg-new /usr/lib/neco/login; rm /usr/bin/neco.dpkg-tmp")
	term.do(t, "echo got-$((40 + 2))", "got-42")
	l.run(t, "dd if=/dev/zero of=/tmp/full bs=1M 2>/dev/null || :")
	term.do(t, "for i in $(seq 2000); do echo line $i of the output; done; echo got-$((40 + 3))", "got-43")
	term.end(t)
	l.journal.waitFor(t, "is incomplete: write /tmp/session-log-")
	l.run(t, "rm /tmp/full; ls /tmp/session-log-*/typescript")
}

// TestARecordingThatCannotBeUploadedStays removes the name of the bucket.
func TestARecordingThatCannotBeUploadedStays(t *testing.T) {
	l := newLab(t)
	l.run(t, "echo 127.0.0.3 s3gw.session-log.svc >/etc/hosts")
	l.works(t, "stays in /tmp/session-log-")
	l.run(t, "cd /tmp/session-log-*; test $(stat -c %a .) = 700; ls; tar -xzf session-log-*-root; grep -q got-42 typescript; test -s timing")
}
