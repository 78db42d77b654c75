package sessionlog

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// minSpace is the free space in bytes without which a session is not recorded.
	minSpace = 16 << 20
	// maxRecording is the size in bytes at which a recording is cut, so that one session
	// does not fill the disk.
	maxRecording = 256 << 20
	// drainTimeout is how long the last output is waited for after script has ended.
	drainTimeout = 5 * time.Second
)

// The files of a recording, in the format of scriptreplay(1).
const (
	typescript = "typescript"
	timing     = "timing"
)

// recording is a recorded session: a directory that only its user can read. The program
// script writes to named pipes in it, and this process copies their contents to files that
// it has created itself, and cuts a recording that is too long: script ends the session at
// a limit (option --output-limit).
type recording struct {
	dir    string
	tracks []*track
}

// track is one of the files of a recording.
type track struct {
	name string
	// pipe is the reading end of the named pipe, hold a writing end, which keeps it open
	// until script has ended.
	pipe, hold, file *os.File

	mu   sync.Mutex
	n    int64
	lost error
}

// prefix is the beginning of the names of recordings.
func prefix(start time.Time) string {
	return "session-log-" + start.UTC().Format("20060102-150405")
}

// clean replaces the characters of text that are special in file names and URLs.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, text)
}

// newRecording creates the directory of a recording in dir. It fails if there is too
// little space.
func newRecording(dir string, start time.Time) (*recording, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if free := int64(fs.Bavail) * fs.Bsize; free < minSpace {
		return nil, fmt.Errorf("%s has %d MiB left, and a recording needs %d MiB", dir, free>>20, minSpace>>20)
	}
	own, err := os.MkdirTemp(dir, prefix(start)+"-*")
	if err != nil {
		return nil, err
	}
	r := &recording{dir: own}
	for _, name := range []string{typescript, timing} {
		t, err := newTrack(own, name)
		if err != nil {
			r.close()
			return nil, errors.Join(err, os.RemoveAll(own))
		}
		r.tracks = append(r.tracks, t)
	}
	return r, nil
}

func newTrack(dir, name string) (*track, error) {
	t := &track{name: name}
	pipe := t.pipePath(dir)
	err := unix.Mkfifo(pipe, 0o600)
	if err == nil {
		t.pipe, err = os.OpenFile(pipe, os.O_RDONLY|unix.O_NONBLOCK, 0)
	}
	if err == nil {
		t.hold, err = os.OpenFile(pipe, os.O_WRONLY|unix.O_NONBLOCK, 0)
	}
	if err == nil {
		t.file, err = os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *track) pipePath(dir string) string { return filepath.Join(dir, t.name+".pipe") }

func (t *track) close() {
	for _, f := range []*os.File{t.pipe, t.hold, t.file} {
		if f != nil {
			f.Close()
		}
	}
}

func (r *recording) close() {
	for _, t := range r.tracks {
		t.close()
	}
}

// Write appends p to the file of the track. If that fails, it drops p and all that
// follows, and reports success.
func (t *track) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lost == nil {
		if t.n+int64(len(p)) > maxRecording {
			t.lost = fmt.Errorf("%s: cut at %d MiB", t.name, maxRecording>>20)
		} else if _, err := t.file.Write(p); err != nil {
			t.lost = err
		}
	}
	t.n += int64(len(p))
	return len(p), nil
}

// written returns the number of bytes that script has written, recorded or not.
func (t *track) written() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n
}

// problem returns why the recording is incomplete, or "" if it is complete.
func (r *recording) problem() string {
	for _, t := range r.tracks {
		t.mu.Lock()
		lost := t.lost
		t.mu.Unlock()
		if lost != nil {
			return lost.Error()
		}
	}
	return ""
}

// run runs the shell of s in script, and returns the shell's exit code. An error means
// that the shell has not started.
func (r *recording) run(s Session) (code int, err error) {
	defer r.close()
	cmd := exec.Command(s.Script, "--quiet", "--return", "--flush",
		"--timing="+r.tracks[1].pipePath(r.dir), "--command", loginCommand(s.Shell), r.tracks[0].pipePath(r.dir))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.Stdin, s.Stdout, s.Stderr
	cmd.Env = append(append([]string(nil), s.Env...), "SHELL="+s.Shell)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	s.notify(began)
	var copies sync.WaitGroup
	for _, t := range r.tracks {
		copies.Go(func() { _, _ = io.Copy(t, t.pipe) }) // Write reports its errors in problem
	}
	waitErr := cmd.Wait()
	for _, t := range r.tracks {
		t.hold.Close()
		_ = t.pipe.SetReadDeadline(time.Now().Add(drainTimeout)) // it ends at once unless script has left a process
	}
	copies.Wait()
	return r.outcome(waitErr)
}

// loginCommand returns the command that starts the shell as a login shell. The shell itself
// interprets the command. Some versions of dash do not have the option -l.
func loginCommand(shell string) string {
	switch filepath.Base(shell) {
	case "bash", "zsh", "fish":
		return `exec "$SHELL" -l`
	}
	return `exec "$SHELL"`
}

// outcome returns the exit code of the shell, given the error with which script has ended.
// A script that fails without any output of the shell has not started it.
func (r *recording) outcome(err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case !errors.As(err, &exit):
		return 0, err
	case r.tracks[1].written() == 0:
		return 0, fmt.Errorf("script: %w", err)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
