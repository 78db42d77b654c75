//go:build login

package sessionlog_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/cybozu-go/neco/dctest/loopback"
)

// patience is how long a test waits for something.
const patience = time.Minute

// bucketAddress is the address of the bucket in the namespace of the tests.
const bucketAddress = "127.0.0.2:80"

// buffer is a writer that can be read at the same time.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// waitFor blocks until b contains want.
func (b *buffer) waitFor(t *testing.T, want string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !strings.Contains(b.String(), want) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %q in vain: %q", want, b.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// lab is a real sshd with the drop-in and the login program of the package.
type lab struct {
	addr    string
	pid     int
	key     ssh.Signer
	journal *buffer
	uploads *buffer // names and contents of recordings
}

func newKey(t *testing.T) (ssh.Signer, []byte) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return signer, pem.EncodeToMemory(block)
}

func newLab(t *testing.T) *lab {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("these tests mount file systems in a namespace: run them as root")
	}
	dir := t.TempDir()
	l := &lab{journal: &buffer{}, uploads: &buffer{}}
	var authorized []byte
	l.key, _ = newKey(t)
	authorized = ssh.MarshalAuthorizedKey(l.key.PublicKey())
	_, hostKey := newKey(t)
	for name, data := range map[string][]byte{
		"authorized_keys": authorized, "host_key": hostKey, "hosts": []byte("127.0.0.1 localhost\n127.0.0.2 s3gw.session-log.svc\n"),
		"login": read(t, "login.sh"), "neco.conf": read(t, "../logins/files/neco.conf"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "hosts"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "neco"), "../../cmd/neco").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l.listenJournal(t, filepath.Join(dir, "log"))
	l.listenBucket(t)
	l.startSSHD(t, dir)
	return l
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (l *lab) listenJournal(t *testing.T, socket string) {
	t.Helper()
	conn, err := net.ListenPacket("unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		line := make([]byte, 1<<16)
		for {
			n, _, err := conn.ReadFrom(line)
			if err != nil {
				return
			}
			fmt.Fprintf(l.journal, "%s\n", line[:n])
		}
	})
	t.Cleanup(func() {
		conn.Close()
		wg.Wait()
	})
}

func (l *lab) listenBucket(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", bucketAddress)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := unpack(r.Body)
		fmt.Fprintf(l.uploads, "%s %s %s %v\n", r.Method, r.URL.Path, text, err)
	})}
	var wg sync.WaitGroup
	wg.Go(func() { srv.Serve(listener) })
	t.Cleanup(func() {
		srv.Close()
		wg.Wait()
	})
}

// unpack returns the names and contents of the files in a compressed archive.
func unpack(r io.Reader) (string, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			return b.String(), err
		}
		fmt.Fprintf(&b, "[%s: %s]", h.Name, data)
	}
}

func (l *lab) startSSHD(t *testing.T, dir string) {
	t.Helper()
	free, err := loopback.FreeAddresses(1)
	if err != nil {
		t.Fatal(err)
	}
	l.addr = free[0]
	_, port, _ := net.SplitHostPort(l.addr)
	script, err := filepath.Abs("testdata/namespace.sh")
	if err != nil {
		t.Fatal(err)
	}
	log := &buffer{}
	cmd := exec.Command("unshare", "--mount", script, dir, port)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l.pid = cmd.Process.Pid
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("sshd: %s\njournal: %s", log, l.journal)
		}
	})
	log.waitFor(t, "Server listening")
}

// run runs a command in the mount namespace of sshd.
func (l *lab) run(t *testing.T, command string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "nsenter", "--mount", "--target", fmt.Sprint(l.pid), "sh", "-c", command).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
}

func (l *lab) connect(t *testing.T) *ssh.Client {
	t.Helper()
	client, err := ssh.Dial("tcp", l.addr, &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(l.key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// terminal is a session with a terminal.
type terminal struct {
	session *ssh.Session
	in      io.Writer
	out     *buffer
}

// login opens a terminal and waits for the prompt of the shell.
func (l *lab) login(t *testing.T) *terminal {
	t.Helper()
	session, err := l.connect(t).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{session: session, out: &buffer{}}
	session.Stdout, session.Stderr = term.out, term.out
	if term.in, err = session.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(session.RequestPty("vt100", 24, 80, ssh.TerminalModes{}), session.Shell()); err != nil {
		t.Fatal(err)
	}
	term.out.waitFor(t, "# ")
	return term
}

func (term *terminal) do(t *testing.T, command, want string) {
	t.Helper()
	fmt.Fprintf(term.in, "%s\n", command)
	term.out.waitFor(t, want)
}

// end leaves the shell and checks that its exit code is that of the session.
func (term *terminal) end(t *testing.T) {
	t.Helper()
	fmt.Fprint(term.in, "exit 5\n")
	done := make(chan error, 1)
	go func() { done <- term.session.Wait() }()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	select {
	case err := <-done:
		var exit *ssh.ExitError
		if !errors.As(err, &exit) || exit.ExitStatus() != 5 {
			t.Errorf("the session ended with %v, want exit code 5; output %q", err, term.out)
		}
	case <-ctx.Done():
		t.Errorf("the session did not end: %q", term.out)
	}
}

// works checks that a user gets a shell, and that the journal says why it is not recorded.
func (l *lab) works(t *testing.T, journal string) {
	t.Helper()
	term := l.login(t)
	term.do(t, "echo got-$((40 + 2))", "got-42")
	term.do(t, "shopt -q login_shell && echo login-$((40 + 2))", "login-42")
	term.end(t)
	l.journal.waitFor(t, journal)
}
