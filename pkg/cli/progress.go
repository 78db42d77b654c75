package cli

import (
	"fmt"
	"io"
	"sync"
)

// progress writes what a command is doing: on a terminal as a line that the next text
// replaces, and elsewhere as one line for each text. It is safe for concurrent use.
type progress struct {
	mu       sync.Mutex
	w        io.Writer
	terminal bool
	shown    string
}

func newProgress(w io.Writer) *progress { return &progress{w: w, terminal: isTerminal(w)} }

// eraseLine moves the cursor of a terminal to the beginning of its line and erases the
// line.
const eraseLine = "\r\x1b[K"

// set shows text until the next call of set or line; an empty text shows nothing.
func (p *progress) set(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if text == p.shown {
		return
	}
	p.shown = text
	switch {
	case p.terminal:
		if cols, _, ok := terminalSize(p.w); ok && len(text) >= cols {
			text = text[:max(cols-1, 0)] // a longer line could not be erased
		}
		fmt.Fprint(p.w, eraseLine, text)
	case text != "":
		fmt.Fprintln(p.w, text)
	}
}

// line writes a line that stays, and ends what set shows.
func (p *progress) line(format string, args ...any) {
	p.set("")
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, format+"\n", args...)
}
