package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/cybozu-go/neco/pkg/status"
)

// Control sequences of terminals.
const (
	enterAlternate = "\x1b[?1049h"
	leaveAlternate = "\x1b[?1049l"
	home           = "\x1b[H"
	clearLine      = "\x1b[K"
	clearBelow     = "\x1b[J"
)

// picturable is a view that a [screen] draws.
type picturable interface {
	// RenderTo writes the view as text, in lines of at most width columns if that is possible.
	RenderTo(w io.Writer, width int) error
}

// screen draws views, each in place of the one before, on the alternate screen of a
// terminal, which leaves nothing in the scrollback. The zero value is ready to use.
type screen struct{ entered bool }

// terminalSize returns the columns and rows of the terminal w; ok is false if w is not
// a terminal.
func terminalSize(w io.Writer) (cols, rows int, ok bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, 0, false
	}
	cols, rows, err := term.GetSize(int(f.Fd()))
	return cols, rows, err == nil && cols > 0 && rows > 0
}

// render writes v in lines that fit the terminal w, at most [status.Width] wide.
func render(w io.Writer, v status.View) error {
	width := status.Width
	if cols, _, ok := terminalSize(w); ok {
		width = min(width, cols)
	}
	return v.RenderTo(w, width)
}

// draw replaces the contents of the screen by v.
func (s *screen) draw(w io.Writer, v picturable) error {
	width, height, ok := terminalSize(w)
	if !ok {
		width, height = status.Width, 24
	}
	rows, err := picture(v, width, height)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if !s.entered {
		b.WriteString(enterAlternate)
	}
	b.WriteString(home)
	for i, row := range rows {
		if i > 0 {
			b.WriteString("\r\n")
		}
		// At the end of a full row, some terminals would clear its last character.
		b.WriteString(clearLine)
		b.WriteString(row)
	}
	b.WriteString(clearBelow)
	s.entered = true
	_, err = b.WriteTo(w)
	return err
}

// picture returns the first rows of v, which contain the problems, as far as they fit a
// terminal of this size. If rows are omitted, the last row shows their number.
func picture(v picturable, width, height int) ([]string, error) {
	var text strings.Builder
	if err := v.RenderTo(&text, width); err != nil {
		return nil, err
	}
	var all []string
	for line := range strings.Lines(text.String()) {
		all = append(all, status.Break(strings.TrimSuffix(line, "\n"), width)...)
	}
	if len(all) <= height {
		return all, nil
	}
	more := fmt.Sprintf("… %d more lines", len(all)-height+1)
	return append(all[:height-1], status.Break(more, width)[0]), nil
}

// leave switches the terminal back to its normal screen.
func (s *screen) leave(w io.Writer) error {
	if !s.entered {
		return nil
	}
	s.entered = false
	_, err := io.WriteString(w, leaveAlternate)
	return err
}

// leaveScreen switches the terminal back to its normal screen and prints the last view
// there.
func (f *follower) leaveScreen() {
	w := f.cmd.OutOrStdout()
	if !f.screen.entered || f.screen.leave(w) != nil || f.last == nil {
		return
	}
	_ = render(w, *f.last)
}
