package cli

import (
	"cmp"
	"io"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/sessionlog"
)

func newSessionLogCmd(env *Env) *cobra.Command {
	cmd := group("session-log", "The recording of SSH sessions on this boot server")
	cmd.AddCommand(newSessionLogStartCmd(env))
	return cmd
}

func newSessionLogStartCmd(env *Env) *cobra.Command {
	notify := 0
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Run the session of a user and record it (run by sshd)",
		Long: `Start the shell of the user and record its terminal with script(1). At the end,
upload the recording; if that fails, it stays in /tmp. With SSH_ORIGINAL_COMMAND
in the environment, run that command, which is not recorded.

A session does not depend on the recording: if the terminal cannot be recorded,
the shell starts without it, and the journal says why. The exit code is that of
the shell.`,
		Args: none(),
		RunE: func(*cobra.Command, []string) error {
			code, err := session(env, notify).Start()
			if err == nil && code != 0 {
				return &ExitError{Code: code}
			}
			return err
		},
	}
	cmd.Flags().IntVar(&notify, "notify-fd", 0, "descriptor `FD` that is told whether the shell has started")
	return cmd
}

// session returns the session of the user who runs this process.
func session(env *Env, notify int) sessionlog.Session {
	return sessionlog.Session{
		Shell: cmp.Or(env.Getenv("SHELL"), "/bin/sh"), User: userName(env), Host: hostName(),
		Command: env.Getenv("SSH_ORIGINAL_COMMAND") != "",
		Dir:     "/tmp", Script: "/usr/bin/script", Bucket: sessionlog.Bucket,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Notify: descriptor(notify),
		Exec:   syscall.Exec, Env: os.Environ(), Journal: sessionlog.Journal, Now: env.Now,
	}
}

// descriptor returns a writer to the inherited descriptor fd, which the programs that this
// process starts do not get. It returns nil if fd is one of the standard descriptors.
func descriptor(fd int) io.Writer {
	if fd <= 2 {
		return nil
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "notify")
}

func userName(env *Env) string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return cmp.Or(env.Getenv("USER"), strconv.Itoa(os.Getuid()))
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}
