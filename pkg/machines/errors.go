package machines

import (
	"fmt"
	"strings"

	"github.com/cybozu-go/neco/internal/printable"
)

// shown is the maximum number of problems that the text of Errors contains.
const shown = 20

// Problem is an error in one place of a list.
type Problem struct {
	Line int
	// Column is the name of the column, or empty if the problem concerns the whole line.
	Column string
	// Text is the problem in one printable line.
	Text string
}

func (p Problem) String() string {
	if p.Column == "" {
		return fmt.Sprintf("line %d: %s", p.Line, p.Text)
	}
	return fmt.Sprintf("line %d, %s: %s", p.Line, p.Column, p.Text)
}

// Errors are the errors of a list in the order of its lines.
type Errors struct {
	All []Problem
}

// Error returns the first 20 problems, one on a line, and the number of the others.
func (e *Errors) Error() string {
	lines := make([]string, 0, shown+1)
	for i, p := range e.All {
		if i == shown {
			lines = append(lines, fmt.Sprintf("and %d more errors", len(e.All)-shown))
			break
		}
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

func (e *Errors) add(line int, column, format string, args ...any) {
	e.All = append(e.All, Problem{line, column, printable.Line(fmt.Sprintf(format, args...))})
}
