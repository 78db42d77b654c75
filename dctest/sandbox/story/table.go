package story

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/cybozu-go/neco/dctest/sandbox"
)

// writeTable prints how long each step of the runs took, with a column for each run.
func writeTable(out io.Writer, runs []*sandbox.Run) error {
	if len(runs) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "\nstep\t\t")
	for _, r := range runs {
		fmt.Fprintf(w, "%s\t", r.Version)
	}
	for i, st := range runs[0].Steps {
		fmt.Fprintf(w, "\n%d\t%-20s\t", st.N, st.Name)
		for _, r := range runs {
			fmt.Fprintf(w, "%s\t", cell(r, i))
		}
	}
	fmt.Fprintf(w, "\n\t%-20s\t", "total")
	for _, r := range runs {
		fmt.Fprintf(w, "%.2fs\t", r.Took.Seconds())
	}
	fmt.Fprintln(w)
	return w.Flush()
}

// cell returns how long step i of a run took, as text, or "" if the run did not reach
// that step.
func cell(r *sandbox.Run, i int) string {
	if i >= len(r.Steps) {
		return ""
	}
	return fmt.Sprintf("%.2fs", r.Steps[i].Took.Seconds())
}
