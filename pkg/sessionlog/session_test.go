package sessionlog

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pty returns the two ends of a pseudo-terminal.
func pty(t *testing.T) (master, slave *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	return master, slave
}

// outcome is what a session did.
type outcome struct {
	code     int
	err      error
	replaced []string // the program and its arguments that replaced the process
	notified string
	journal  string
	uploads  map[string]string
	left     []string // files in the directory of recordings
	close    func()   // ends the server of uploads
}

// newSession returns a session on a terminal on which the user has typed the input.
func newSession(t *testing.T, o *outcome, input string) Session {
	t.Helper()
	master, slave := pty(t)
	if _, err := io.WriteString(master, input); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // a terminal that nobody reads blocks its writer
		defer close(done)
		_, _ = io.Copy(io.Discard, master)
	}()
	t.Cleanup(func() {
		slave.Close()
		master.Close()
		<-done
	})
	o.uploads = map[string]string{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := unpack(r.Body)
		o.uploads[r.Method+" "+r.URL.Path] = fmt.Sprint(text, err)
	}))
	o.close = srv.Close
	t.Cleanup(srv.Close)
	return Session{
		Shell: "/bin/sh", User: "alice", Host: "boot/0", Dir: t.TempDir(), Script: "/usr/bin/script", Bucket: srv.URL + "/bucket",
		Stdin: slave, Stdout: slave, Stderr: slave,
		Notify: writerFunc(func(p []byte) { o.notified += string(p) }),
		Exec: func(path string, argv, _ []string) error {
			o.replaced = append([]string{path}, argv...)
			return nil
		},
		Env:     append(os.Environ(), "PS1=> ", "ENV="),
		Journal: func(text string) { o.journal += text + "\n" },
		Now:     time.Now,
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

func unpack(r io.Reader) (string, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	archive := tar.NewReader(z)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return b.String(), nil
		}
		if err != nil {
			return "", err
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "[%s: %s]", h.Name, data)
	}
}

func start(t *testing.T, o *outcome, s Session) {
	t.Helper()
	o.code, o.err = s.Start()
	o.close()
	err := filepath.WalkDir(s.Dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			o.left = append(o.left, d.Name())
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

func TestTheRecordingIsUploadedAndRemoved(t *testing.T) {
	var o outcome
	start(t, &o, newSession(t, &o, "echo got-$((40 + 2)); exit 7\n"))
	if o.code != 7 || o.err != nil || o.notified != "began\n" || o.journal != "" || o.replaced != nil || len(o.left) > 0 || len(o.uploads) != 1 {
		t.Errorf("%+v", o)
	}
	name := regexp.MustCompile(`^PUT /bucket/session-log-\d{8}-\d{6}-boot_0-\d+-\d+s-alice$`)
	for request, text := range o.uploads {
		if !name.MatchString(request) || !strings.HasPrefix(text, "[typescript: ") || !strings.Contains(text, "got-42") || !strings.Contains(text, "[timing: ") {
			t.Errorf("%s: %s", request, text)
		}
	}
}

func TestARecordingStaysWhereItCannotBeUploaded(t *testing.T) {
	for what, bucket := range map[string]http.HandlerFunc{
		"an error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
		"a cut":    func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(what, func(t *testing.T) {
			srv := httptest.NewServer(bucket)
			t.Cleanup(srv.Close)
			var o outcome
			s := newSession(t, &o, "exit 0\n")
			s.Bucket = srv.URL
			start(t, &o, s)
			if o.code != 0 || o.err != nil || len(o.left) != 1 || !strings.HasSuffix(o.left[0], "-alice") || !strings.Contains(o.journal, "stays in "+s.Dir) {
				t.Errorf("%+v", o)
			}
		})
	}
}

func TestTheShellStartsWithoutARecording(t *testing.T) {
	shell := []string{"/bin/sh", "-sh"}
	failing := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(failing, []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := failing
	for name, c := range map[string]struct {
		change   func(*Session)
		notified string
		journal  string
	}{
		"script is missing":        {func(s *Session) { s.Script = "/absent/script" }, "began\n", "no such file"},
		"script fails":             {func(s *Session) { s.Script = failing }, "began\nbegan\n", "script: exit status 1"},
		"the directory is missing": {func(s *Session) { s.Dir = "/absent" }, "began\n", "/absent: no such file"},
		"the directory is no one":  {func(s *Session) { s.Dir = file }, "began\n", "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			var o outcome
			s := newSession(t, &o, "")
			dir := s.Dir
			c.change(&s)
			start(t, &o, s)
			if o.err != nil || !slices.Equal(o.replaced, shell) || o.notified != c.notified || !strings.Contains(o.journal, c.journal) {
				t.Errorf("%+v", o)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("files left: %v, %v", left, err)
			}
		})
	}
	t.Run("there is no terminal", func(t *testing.T) {
		var o outcome
		s := newSession(t, &o, "")
		var err error
		if s.Stdin, err = os.Open(os.DevNull); err != nil {
			t.Fatal(err)
		}
		defer s.Stdin.Close()
		start(t, &o, s)
		if o.err != nil || !slices.Equal(o.replaced, shell) || o.journal != "" {
			t.Errorf("%+v", o)
		}
	})
	t.Run("and the caller is told if that fails, too", func(t *testing.T) {
		var o outcome
		s := newSession(t, &o, "")
		s.Script, s.Shell = "/absent/script", "/absent/shell"
		s.Exec = func(string, []string, []string) error { return os.ErrNotExist }
		start(t, &o, s)
		if !errors.Is(o.err, os.ErrNotExist) || o.notified != "began\nfailed\n" || !strings.Contains(o.err.Error(), "/absent/shell") {
			t.Errorf("%+v", o)
		}
	})
}

// TestAFullDiskCutsTheRecordingOnly uses a file to which nothing can be written.
func TestAFullDiskCutsTheRecordingOnly(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	tr := &track{name: typescript, file: full}
	for range 3 {
		if n, err := tr.Write([]byte("text")); n != 4 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	r := recording{tracks: []*track{tr}}
	if got := r.problem(); !strings.Contains(got, "no space left") || tr.written() != 12 {
		t.Errorf("%q, %d", got, tr.written())
	}
	tr = &track{name: typescript, n: maxRecording - 3}
	if _, err := tr.Write([]byte("text")); err != nil || !strings.Contains(tr.lost.Error(), "cut at 256 MiB") {
		t.Errorf("%v, %v", err, tr.lost)
	}
}

// TestTheCommandOfTheClientRuns runs login.sh as it is called for a command, by itself and
// by neco session-log start.
func TestTheCommandOfTheClientRuns(t *testing.T) {
	for command, want := range map[string]string{
		`echo ${BASH_VERSION:+bash} "a  b"; exit 3`: "bash a  b\n",
		`echo $0`: "/bin/bash\n",
	} {
		var o outcome
		s := newSession(t, &o, "")
		s.Command = true
		start(t, &o, s)
		if len(o.replaced) != 4 || o.err != nil {
			t.Fatalf("%+v", o)
		}
		for _, argv := range [][]string{{"sh", "login.sh"}, {o.replaced[0], "-c", o.replaced[3]}} {
			cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
			cmd.Env = append(os.Environ(), "SHELL=/bin/sh", "SSH_ORIGINAL_COMMAND="+command)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if string(out) != want || (err != nil) != strings.Contains(command, "exit 3") {
				t.Errorf("%v: %q, %v, %s", argv, out, err, stderr.String())
			}
		}
	}
}
