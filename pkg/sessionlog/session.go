package sessionlog

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/syslog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/term"
)

//go:embed login.sh
var login string

// The words that Start writes to Notify.
const (
	began  = "began\n"
	failed = "failed\n"
)

// Session is one session of a user.
type Session struct {
	// Shell is the path of the user's shell, User the name of the user, Host the name of
	// the boot server.
	Shell, User, Host string
	// Command is true if the client has asked for a command, which is in the environment
	// variable SSH_ORIGINAL_COMMAND.
	Command bool
	// Dir is the directory for recordings, Script the program that records a terminal.
	Dir, Script string
	// Bucket is the URL to which recordings are uploaded.
	Bucket string
	// Stdin, Stdout and Stderr are those of the session.
	Stdin, Stdout, Stderr *os.File
	// Notify, if not nil, is told when the shell has started: the caller then must not start
	// another one.
	Notify io.Writer
	// Exec replaces this process by a program, as [syscall.Exec].
	Exec func(path string, argv, env []string) error
	// Env is the environment of the session.
	Env []string
	// Journal writes a line to the journal.
	Journal func(text string)
	Now     func() time.Time
}

// Bucket is the URL of the bucket for recordings, on the gateway of the data centre.
const Bucket = "http://s3gw.session-log.svc/bucket"

// Journal writes a line to the journal of the boot server. If that is not possible, the
// line is lost.
func Journal(text string) {
	w, err := syslog.New(syslog.LOG_AUTH|syslog.LOG_WARNING, "neco-login")
	if err != nil {
		return
	}
	defer w.Close()
	_ = w.Warning(text) // there is no other place for it
}

// Start runs the session and blocks until it ends. It returns the exit code of the user's
// shell. A session with a terminal is recorded. Start does not return if it replaces this
// process by a shell or a command, which it does for a session that is not recorded. It
// returns an error only if no shell could be started.
func (s Session) Start() (code int, err error) {
	if s.Command {
		return s.replace("/bin/sh", "sh", "-c", login)
	}
	if !term.IsTerminal(int(s.Stdin.Fd())) || !term.IsTerminal(int(s.Stdout.Fd())) {
		return s.shell()
	}
	code, err = s.record()
	if err == nil {
		return code, nil
	}
	s.Journal(fmt.Sprintf("the session of %s is not recorded: %v", s.User, err))
	fmt.Fprintf(s.Stderr, "This session is not recorded: %v\n", err)
	return s.shell()
}

// shell replaces this process by the shell of the user, as a login shell.
func (s Session) shell() (int, error) {
	return s.replace(s.Shell, "-"+filepath.Base(s.Shell))
}

func (s Session) replace(path string, argv ...string) (int, error) {
	s.notify(began)
	if err := s.Exec(path, argv, s.Env); err != nil {
		s.notify(failed)
		return 0, fmt.Errorf("start %s: %w", path, err)
	}
	return 0, nil
}

func (s Session) notify(word string) {
	if s.Notify != nil {
		_, _ = io.WriteString(s.Notify, word) // the caller then starts a shell itself
	}
}

// record records the session. An error means that the shell has not started.
func (s Session) record() (code int, err error) {
	start := s.Now()
	r, err := newRecording(s.Dir, start)
	if err != nil {
		return 0, err
	}
	// The terminal sends these signals to the whole session. The recording goes on until
	// the shell has ended.
	held := make(chan os.Signal, 1)
	signal.Notify(held, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM)
	defer signal.Stop(held)
	code, err = r.run(s)
	if err != nil {
		return 0, errors.Join(err, os.RemoveAll(r.dir))
	}
	if problem := r.problem(); problem != "" {
		s.Journal(fmt.Sprintf("the recording of the session of %s is incomplete: %s", s.User, problem))
	}
	name := fmt.Sprintf("%s-%s-%d-%s-%s", prefix(start), clean(s.Host), os.Getpid(), s.Now().Sub(start).Round(time.Second), clean(s.User))
	if err := r.deliver(name, s.Bucket); err != nil {
		s.Journal(fmt.Sprintf("the recording of the session of %s stays in %s: %v", s.User, r.dir, err))
	}
	return code, nil
}
