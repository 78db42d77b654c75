package stage

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/cybozu-go/neco/internal/printable"
)

// Printer shows the operator what happens in a stage.
type Printer interface {
	Print(name Name, text string)
}

// Lines prints to Out a line each, with the time and the stage.  Its methods may be
// called from several goroutines.
type Lines struct {
	Out io.Writer
	Now func() time.Time

	mu sync.Mutex
}

// Print implements Printer.
func (l *Lines) Print(name Name, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.Out, "%s  %-12s  %s\n", l.Now().Format("15:04:05"), name, printable.Line(text))
}

// Say is Print with a format.
func (l *Lines) Say(name Name, format string, args ...any) {
	l.Print(name, fmt.Sprintf(format, args...))
}

// Plain prints to Out a line each, without the time and the stage.
type Plain struct{ Out io.Writer }

// Print implements Printer.
func (p Plain) Print(_ Name, text string) { fmt.Fprintln(p.Out, printable.Line(text)) }
