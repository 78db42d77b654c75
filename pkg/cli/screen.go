package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/cybozu-go/neco/pkg/cli/status"
)

// Control sequences of terminals.
const (
	enterAlternate = "\x1b[?1049h"
	leaveAlternate = "\x1b[?1049l"
	home           = "\x1b[H"
	clearLine      = "\x1b[K"
	clearBelow     = "\x1b[J"
)

// screen draws views in place, on the alternate screen, so that nothing is left in
// the scrollback. The zero value has drawn nothing.
type screen struct{ entered bool }

// draw replaces the picture. Lines for which there is no room are left out, from
// the end, and counted.
func (s *screen) draw(w io.Writer, v status.View) error {
	width, height := status.Width, 24
	if f, ok := w.(*os.File); ok {
		if cols, rows, err := term.GetSize(int(f.Fd())); err == nil && cols > 0 && rows > 0 {
			width, height = cols, rows
		}
	}
	var text bytes.Buffer
	if err := v.RenderTo(&text, width); err != nil {
		return err
	}
	var b bytes.Buffer
	if !s.entered {
		b.WriteString(enterAlternate)
	}
	b.WriteString(home)
	for i, line := range fit(bytes.Split(bytes.TrimSuffix(text.Bytes(), []byte("\n")), []byte("\n")), height) {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.Write(line)
		b.WriteString(clearLine)
	}
	b.WriteString(clearBelow)
	s.entered = true
	_, err := b.WriteTo(w)
	return err
}

// fit returns the lines that a screen has room for.
func fit(lines [][]byte, height int) [][]byte {
	if len(lines) <= height {
		return lines
	}
	more := fmt.Sprintf("… %d more lines", len(lines)-height+1)
	return append(lines[:height-1:height-1], []byte(more))
}

// leave returns to the normal screen.
func (s *screen) leave(w io.Writer) error {
	if !s.entered {
		return nil
	}
	s.entered = false
	_, err := io.WriteString(w, leaveAlternate)
	return err
}

// leaveScreen leaves the last picture on the normal screen.
func (f *follower) leaveScreen() {
	w := f.cmd.OutOrStdout()
	if !f.screen.entered || f.screen.leave(w) != nil || f.last == nil {
		return
	}
	_ = f.last.Render(w)
}
