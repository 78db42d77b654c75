// Command argwatch records the arguments of all processes every 20 ms, until its standard
// input ends. Then it prints the distinct arguments, one a line.
//
// It starts no process and keeps the arguments in memory, so that the commands under test
// run as fast as without it.
package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// interval is the time between two rounds: few processes run for a shorter time.
const interval = 20 * time.Millisecond

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "argwatch:", err)
		os.Exit(1)
	}
}

// run records arguments until stdin ends, and prints them to out. It reads those of all
// running processes at least once.
func run(stdin io.Reader, out io.Writer) error {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		io.Copy(io.Discard, stdin)
	}()
	w := newWatch()
	defer w.close()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := w.round(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ended:
			return w.print(out)
		}
	}
}
