package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/storage"
)

func newHistoryCmd(env *Env) *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List the updates and the acts of operators, the oldest first",
		Long: `List the updates, the oldest first, with the reason for each and who started it,
and the acts of operators: departures, recoveries, changes of the configuration.
The last 100 of both are kept.

A long reason is cut in the middle to the width of the terminal; -o json has all
of it.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				runs, bad, err := s.History(ctx)
				if err != nil {
					return err
				}
				for _, m := range bad {
					fmt.Fprintf(cmd.ErrOrStderr(), "skipped %s\n", printable.Line(m.Error()))
				}
				if o.json() {
					return writeJSON(cmd.OutOrStdout(), append([]storage.Run{}, runs...))
				}
				return writeHistory(cmd.OutOrStdout(), runs)
			})
		},
	}
	o.register(cmd)
	return cmd
}

func writeHistory(w io.Writer, runs []storage.Run) error {
	width, _, terminal := terminalSize(w)
	if !terminal {
		width = historyWidth
	}
	_, err := io.WriteString(w, historyTable(runs, width))
	return err
}

// historyTable returns the history as a table that is width characters wide. It
// shortens reasons to fit, but not to less than minReason characters.
func historyTable(runs []storage.Run, width int) string {
	if len(runs) == 0 {
		return "nothing is recorded yet\n"
	}
	var table strings.Builder
	tw := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "STARTED\tKIND\tVERSION\tSERVERS\tBY\tTOOK\tRESULT\t")
	reasons := []string{"REASON"}
	for _, r := range runs {
		reasons = append(reasons, historyReason(r))
		fmt.Fprintln(tw, strings.Join(historyRow(r), "\t")+"\t")
	}
	tw.Flush()
	var b strings.Builder
	for row := range strings.Lines(table.String()) {
		row = strings.TrimSuffix(row, "\n")
		reason := status.Shorten(reasons[0], max(width-len([]rune(row)), minReason))
		reasons = reasons[1:]
		fmt.Fprintln(&b, row+reason)
	}
	return b.String()
}

// historyRow returns the cells of a record, except its reason. An empty cell is shown
// as "-".
func historyRow(r storage.Run) []string {
	took := ""
	if r.EndedAt != nil {
		took = duration.Text(r.EndedAt.Sub(r.StartedAt).Round(time.Second))
	}
	cells := []string{
		r.StartedAt.UTC().Format("2006-01-02 15:04:05Z"), string(r.Kind), r.Version, lrn.List(r.Servers), r.By, took, string(r.Result),
	}
	for i, c := range cells {
		if cells[i] = printable.Line(c); c == "" {
			cells[i] = "-"
		}
	}
	return cells
}

// historyReason returns why a run was started and why it was stopped, or "-".
func historyReason(r storage.Run) string {
	why := slices.DeleteFunc([]string{r.What, r.Reason}, func(s string) bool { return s == "" })
	return cmp.Or(printable.Line(errtext.Words(strings.Join(why, "; "))), "-")
}

// historyWidth is the width of the table if the output is not a terminal. minReason is
// the length below which a reason is not shortened. JSON has the complete reason.
const (
	historyWidth = 400
	minReason    = 80
)
