package systemd

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// result is why a unit has failed, in systemd's words, or "success".
type result string

const (
	resultSuccess   result = "success"
	resultExitCode  result = "exit-code"
	resultSignal    result = "signal"
	resultTimeout   result = "timeout"
	resultProtocol  result = "protocol"
	resultResources result = "resources"
	resultLimit     result = "start-limit-hit"
)

// outcome is how a process has ended.
type outcome struct {
	result result
	status int // exit code, or signal
	signal bool
}

func (o outcome) clean() bool { return o.result == resultSuccess }

// process is a running process with its own process group.
type process struct {
	pid  int
	done chan struct{} // closed after end is set
	end  outcome
}

// spawn starts a command of a unit, whose output goes to the unit's log. When the
// manager dies, the started process is killed. When the started process ends, the rest
// of its process group is killed, unless the unit's KillMode is process or none.
func (m *Manager) spawn(d *definition, c command, env []string) (*process, error) {
	argv := expandVariables(c.argv, env)
	if len(argv) == 0 {
		return nil, errors.New("the command is empty")
	}
	path, err := m.resolve(argv[0])
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(m.opts.LogDir, d.name+".log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer log.Close()
	dir := m.opts.Root
	if d.directory != "" {
		dir = filepath.Join(dir, d.directory)
	}
	cmd := &exec.Cmd{
		Path: path, Args: argv, Env: env, Dir: dir, Stdout: log, Stderr: log,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{pid: cmd.Process.Pid, done: make(chan struct{})}
	m.wg.Go(func() { p.wait(cmd, d.killMode != "process" && d.killMode != "none") })
	return p, nil
}

// wait waits for the end of the process and reaps it. If group is true, it first kills
// the rest of the process group, whose ID may be reused after its leader was reaped.
func (p *process) wait(cmd *exec.Cmd, group bool) {
	defer close(p.done)
	for {
		err := unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if group {
		syscall.Kill(-p.pid, syscall.SIGKILL)
		awaitGroupEnd(p.pid)
	}
	cmd.Wait()
	p.end = outcomeOf(cmd.ProcessState)
}

func outcomeOf(state *os.ProcessState) outcome {
	status, ok := state.Sys().(syscall.WaitStatus)
	switch {
	case !ok:
		return outcome{result: resultResources}
	case !status.Signaled() && status.ExitStatus() == 0:
		return outcome{result: resultSuccess}
	case !status.Signaled():
		return outcome{result: resultExitCode, status: status.ExitStatus()}
	}
	end := outcome{result: resultSignal, status: int(status.Signal()), signal: true}
	switch status.Signal() {
	case syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE:
		end.result = resultSuccess // systemd treats these signals as a success
	}
	return end
}

// kill sends the signal s to the process, or to its whole group if group is true.
func (p *process) kill(s syscall.Signal, group bool) {
	if p == nil {
		return
	}
	select {
	case <-p.done:
		return
	default:
	}
	pid := p.pid
	if group {
		pid = -pid
	}
	syscall.Kill(pid, s)
}
