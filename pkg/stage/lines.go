package stage

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/cybozu-go/neco/internal/printable"
)

// Printer prints messages about stages for the operator.
type Printer interface {
	// Print prints text, a message about the named stage.
	Print(name Name, text string)
}

// Lines prints each message to Out as one line with the time and the stage. Its
// methods may be called concurrently.
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

// Say formats a message as fmt.Sprintf does and prints it.
func (l *Lines) Say(name Name, format string, args ...any) {
	l.Print(name, fmt.Sprintf(format, args...))
}

// Plain prints each message to Out as one line, without the time and the stage.
type Plain struct{ Out io.Writer }

// Print implements Printer.
func (p Plain) Print(_ Name, text string) { fmt.Fprintln(p.Out, printable.Line(text)) }
