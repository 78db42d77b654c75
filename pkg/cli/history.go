package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/internal/lrn"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/storage"
)

func newHistoryCmd(env *Env) *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List the updates and what operators did, the oldest first",
		Long: `List the updates so far, the oldest first, with why and by whom each was begun,
and what operators did in between: departures, recoveries, changes of the
configuration. The last 100 of both stay.`,
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
	if len(runs) == 0 {
		_, err := fmt.Fprintln(w, "nothing is recorded yet")
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "STARTED\tKIND\tVERSION\tSERVERS\tBY\tTOOK\tRESULT\tREASON")
	for _, r := range runs {
		fmt.Fprintln(tw, strings.Join(historyRow(r), "\t"))
	}
	return tw.Flush()
}

// historyRow returns the cells of a record; "-" stands for none.
func historyRow(r storage.Run) []string {
	took := ""
	if r.EndedAt != nil {
		took = duration.Text(r.EndedAt.Sub(r.StartedAt).Round(time.Second))
	}
	why := slices.DeleteFunc([]string{r.What, r.Reason}, func(s string) bool { return s == "" })
	cells := []string{
		r.StartedAt.UTC().Format("2006-01-02 15:04:05Z"), string(r.Kind), r.Version, lrn.List(r.Servers), r.By, took, string(r.Result),
		firstWords(printable.Line(strings.Join(why, "; ")), reasonMax),
	}
	for i, c := range cells {
		if cells[i] = printable.Line(c); c == "" {
			cells[i] = "-"
		}
	}
	return cells
}

// reasonMax is how much of a reason the table has room for; JSON has it all.
const reasonMax = 80

// firstWords cuts s to at most n letters, between two words where it can.
func firstWords(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	cut := string(r[:n-2])
	if i := strings.LastIndexByte(cut, ' '); i > n/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;:") + " …"
}
