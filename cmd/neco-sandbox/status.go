package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/dctest/sandbox/control"
	"github.com/cybozu-go/neco/internal/printable"
)

func newStatusCommand(name *string) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the state of the sandbox",
		Args:  args(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "" && output != "json" {
				return fmt.Errorf("--output %q: only json is known", output)
			}
			c, err := control.Connect(cmd.Context(), *name)
			if err != nil {
				return err
			}
			st, err := c.Status(cmd.Context())
			if err != nil {
				return err
			}
			if output == "json" {
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(st)
			}
			return printStatus(cmd.OutOrStdout(), st)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "json: for programs")
	return cmd
}

func printStatus(out io.Writer, st *control.Status) error {
	fmt.Fprintf(out, "directory  %s\netcd       %s\n", st.Dir, strings.Join(st.Etcd, ","))
	requested := st.Request
	if st.EtcdError != "" {
		fmt.Fprintf(out, "           does not answer: %s\n", printable.Line(st.EtcdError))
		requested = "unknown"
	}
	fmt.Fprintf(out, "sabakan    %s\n", st.Sabakan)
	fmt.Fprintf(out, "published  %s\nrequested  %s\n", strings.Join(st.Published, ", "), printable.Line(requested))
	if st.Stopped != "" {
		fmt.Fprintf(out, "stopped    %s\n", printable.Line(st.Stopped))
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nserver\tnetwork\tneco-worker\tneco-updater\treport")
	for _, s := range st.Servers {
		network := "connected"
		if s.Cut {
			network = "cut off"
		}
		if s.Left {
			network += ", has left"
		}
		text := report(s)
		if st.EtcdError != "" {
			text = "unknown"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", s.LRN, network,
			process(s.Worker, printable.Line(s.Version)), process(s.Updater, ""), printable.Line(text))
	}
	return w.Flush()
}

func process(p control.Process, version string) string {
	if p.PID == 0 {
		return p.State
	}
	return strings.TrimSpace(fmt.Sprintf("%s (pid %d) %s", p.State, p.PID, version))
}

func report(s control.Server) string {
	if s.For == "" {
		return "none yet"
	}
	text := fmt.Sprintf("%s: step %d (%s), %s", s.For, s.Step, s.Name, s.Cond)
	if s.Message != "" {
		text += ": " + s.Message
	}
	return text
}
