package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// child is a shell that prints a line for each line of its standard input.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
}

// start starts a shell that runs script with the argument arg, and waits for its first line.
func start(t *testing.T, script, arg string) *child {
	t.Helper()
	c := &child{cmd: exec.CommandContext(t.Context(), "sh", "-c", script, arg)}
	stdout, err := c.cmd.StdoutPipe()
	if err == nil {
		c.stdin, err = c.cmd.StdinPipe()
	}
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewScanner(stdout)
	c.answers(t)
	return c
}

// answers waits until the shell prints a line.
func (c *child) answers(t *testing.T) {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatalf("the shell has exited: %v", c.lines.Err())
	}
}

// proceeds sends a line to the shell and waits for the next line of its output.
func (c *child) proceeds(t *testing.T) {
	t.Helper()
	if _, err := fmt.Fprintln(c.stdin); err != nil {
		t.Fatal(err)
	}
	c.answers(t)
}

// ends ends the shell.
func (c *child) ends(t *testing.T) {
	t.Helper()
	c.stdin.Close()
	if err := c.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestTheArgumentsOfAProcessArePrinted(t *testing.T) {
	c := start(t, "echo; cat", "the first argument")
	defer c.ends(t)
	var out bytes.Buffer
	if err := run(strings.NewReader(""), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for _, want := range []string{"-c", "echo; cat", "the first argument"} {
		if n := len(slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return line != want })); n != 1 {
			t.Errorf("%q is printed %d times", want, n)
		}
	}
}

func TestArgumentsAreSeenAfterExecveToo(t *testing.T) {
	w := newWatch()
	defer w.close()
	c := start(t, `echo; read x; exec sh -c "echo; cat" "the second argument"`, "the first argument")
	defer c.ends(t)
	for range 2 * newRounds { // the process is idle
		round(t, w)
	}
	if !seen(w, "the first argument") || seen(w, "the second argument") {
		t.Errorf("before execve: %v", w.seen)
	}
	c.proceeds(t)
	for range idleRounds {
		round(t, w)
	}
	if !seen(w, "the second argument") {
		t.Errorf("after execve: %v", w.seen)
	}
}

func TestTheFileOfAProcessThatHasExitedIsClosed(t *testing.T) {
	w := newWatch()
	defer w.close()
	c := start(t, "echo; cat", "the first argument")
	round(t, w)
	pid := fmt.Sprint(c.cmd.Process.Pid)
	if w.running[pid] == nil {
		t.Fatal("the process is not known")
	}
	c.ends(t)
	round(t, w)
	if w.running[pid] != nil {
		t.Error("the file is open")
	}
}

func TestAPIDThatIsUsedAgainIsReadAgain(t *testing.T) {
	w := newWatch()
	defer w.close()
	first := start(t, "echo; cat", "the first argument")
	round(t, w)
	second := start(t, "echo; cat", "the second argument")
	defer second.ends(t)
	pid := fmt.Sprint(second.cmd.Process.Pid)
	w.running[pid] = w.running[fmt.Sprint(first.cmd.Process.Pid)] // as if the second process had the PID of the first
	delete(w.running, fmt.Sprint(first.cmd.Process.Pid))
	first.ends(t)
	round(t, w)
	if !seen(w, "the second argument") {
		t.Errorf("not seen: %v", w.seen)
	}
}

func TestLongArgumentsAreComplete(t *testing.T) {
	w := newWatch()
	defer w.close()
	long := strings.Repeat("long ", 20<<10)
	c := start(t, "echo; cat", long)
	defer c.ends(t)
	round(t, w)
	if !seen(w, long) {
		t.Error("the argument is not complete")
	}
}

func round(t *testing.T, w *watch) {
	t.Helper()
	if err := w.round(); err != nil {
		t.Fatal(err)
	}
}

func seen(w *watch, arg string) bool {
	_, ok := w.seen[arg]
	return ok
}
