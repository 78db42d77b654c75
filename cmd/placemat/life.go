package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/dctest/placemat"
	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

func newUpCmd(p *program) *cobra.Command {
	var o placemat.Options
	var hosts string
	cmd := &cobra.Command{
		Use:   "up DIR",
		Short: "Start the data centre that placemat-menu has described in DIR",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.centre(cmd)
			if err != nil {
				return err
			}
			if hosts != "" {
				data, err := os.ReadFile(hosts)
				if err != nil {
					return err
				}
				o.Hosts = string(data)
			}
			return c.Up(cmd.Context(), args[0], o)
		},
	}
	cmd.Flags().StringVar(&hosts, "hosts", "", "file with the names and addresses of the simulated internet, like /etc/hosts")
	cmd.Flags().StringToStringVar(&o.Run, "run", nil, "NODE=COMMAND to run on a node until the data centre ends")
	cmd.Flags().StringVar(&o.Trust, "trust", "", "certificate of a CA that boot servers trust")
	cmd.Flags().StringVar(&o.AuthorizedKeys, "authorized-keys", "", "file with the SSH keys of root on boot servers")
	cmd.Flags().StringVar(&o.BootImage, "boot-image", "", "root file system of boot servers, to run them as containers; without it they are namespaces")
	cmd.Flags().StringVar(&o.NodeImage, "node-image", "", "file system in which nodes boot, to run them as containers; without it they are namespaces")
	cmd.Flags().StringVar(&o.Netboot, "netboot", "", "program with which these nodes boot from the network")
	cmd.MarkFlagsRequiredTogether("node-image", "netboot")
	return cmd
}

func newBMCCmd(p *program) *cobra.Command {
	return &cobra.Command{
		Use:    "bmc",
		Short:  "Serve the BMCs of nodes; placemat up starts it",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.centre(cmd)
			if err != nil {
				return err
			}
			return c.ServeBMCs(cmd.Context())
		},
	}
}

func newDownCmd(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "End the data centre and remove its processes, namespaces and files",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.centre(cmd)
			if err != nil {
				return err
			}
			return c.Down(cmd.Context())
		},
	}
}

func newStatusCmd(p *program) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show nodes, links and BGP sessions",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.centre(cmd)
			if err != nil {
				return err
			}
			st, err := c.StatusOver(cmd.Context(), time.Second)
			if err != nil {
				return err
			}
			return show(cmd.OutOrStdout(), st, output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return cmd
}

func show(w io.Writer, st *placemat.Status, output string) error {
	switch output {
	case "table":
		return st.Render(w)
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(st)
	}
	return fmt.Errorf("output %q: it is table or json", output)
}

func newExecCmd(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "exec NODE -- COMMAND [ARG…]",
		Short: "Run a command on a node",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.centre(cmd)
			if err != nil {
				return err
			}
			e, err := c.Command(cmd.Context(), args[0], args[1], args[2:]...)
			if err != nil {
				return err
			}
			e.Stdin, e.Stdout, e.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
			err = e.Run()
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.Exited() {
				return &commandError{exit.ExitCode()}
			}
			return err
		},
	}
}

func newLogCmd(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "log NODE",
		Short: "Show the log of the BIRD of a node",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.centre(cmd)
			if err != nil {
				return err
			}
			data, err := c.Log(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(data)
			return err
		},
	}
}

func newGraphCmd(*program) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "graph DIR",
		Short: "Draw the topology that DIR describes",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			draw, ok := map[string]func(*cluster.Cluster) string{"svg": placemat.SVG, "dot": placemat.Graph}[output]
			if !ok {
				return fmt.Errorf("output %q: it is svg, or dot for Graphviz", output)
			}
			c, err := cluster.Load(args[0])
			if err != nil {
				return err
			}
			_, err = io.WriteString(cmd.OutOrStdout(), draw(c))
			return err
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "svg", "svg, or dot for Graphviz")
	return cmd
}
