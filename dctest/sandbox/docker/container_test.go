package docker

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

func TestAContainerRunsUntilItIsToldToEnd(t *testing.T) {
	root := loaded(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, root, []string{"run", "--name=serf", "--rm", "--pull=never", image, "agent"}, nil, os.Stderr, os.Stderr)
	}()
	await(t, root, "serf "+image)
	for _, tc := range []struct {
		name string
		args []string
		code int
	}{
		{"a second one of the name is refused", []string{"run", "--name", "serf", image}, 1},
		{"it is not removed", []string{"rm", "serf"}, 1},
		{"a command runs in it", []string{"exec", "--privileged", "-i", "serf", "serf", "members"}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if code, _, text := call(t, root, nil, tc.args...); code != tc.code {
				t.Errorf("exit code %d: %s", code, text)
			}
		})
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d", code)
	}
	await(t, root, "")
}

// asDocker starts the test binary under the name docker.
func asDocker(t *testing.T, root string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "docker")
	if err := os.Symlink(self, link); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(link, args...)
	cmd.Env = append(os.Environ(), RootEnv+"="+root)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

func TestAContainerThatWasKilledDoesNotRun(t *testing.T) {
	for _, tc := range []struct {
		name string
		kill func(t *testing.T, root string, cmd *exec.Cmd)
	}{
		{"by docker", func(t *testing.T, root string, _ *exec.Cmd) {
			if code, _, text := call(t, root, nil, "kill", "serf"); code != 0 {
				t.Error(text)
			}
		}},
		{"by a signal", func(t *testing.T, _ string, cmd *exec.Cmd) {
			if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := loaded(t)
			cmd := asDocker(t, root, "run", "--name=serf", "--rm", "--pull=never", image)
			await(t, root, "serf "+image)
			tc.kill(t, root, cmd)
			cmd.Wait()
			await(t, root, "")
			if code, _, text := call(t, root, nil, "rm", "serf"); code != 0 {
				t.Errorf("what is left cannot be removed: %s", text)
			}
		})
	}
}
