package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/dctest/placemat"
)

func newLinkCmd(p *program) *cobra.Command {
	return &cobra.Command{
		Use:       "link up|down A B",
		Short:     "Set all links between two nodes up or down",
		Args:      cobra.ExactArgs(3),
		ValidArgs: []string{"up", "down"},
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != "up" && args[0] != "down" {
				return fmt.Errorf("link %q: it is up or down", args[0])
			}
			c, err := p.centre(cmd)
			if err != nil {
				return err
			}
			return c.LinkUp(cmd.Context(), args[1], args[2], args[0] == "up")
		},
	}
}

func newCutCmd(p *program) *cobra.Command {
	var oneWay bool
	cmd := &cobra.Command{
		Use:   "cut A B",
		Short: "Drop all packets between two nodes",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.centre(cmd)
			if err != nil {
				return err
			}
			return c.Cut(cmd.Context(), args[0], args[1], oneWay)
		},
	}
	cmd.Flags().BoolVar(&oneWay, "one-way", false, "drop only the packets from A to B")
	return cmd
}

func newHealCmd(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "heal",
		Short: "Remove all faults of links",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.centre(cmd)
			if err != nil {
				return err
			}
			return c.Heal(cmd.Context())
		},
	}
}

func newRateCmd(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "rate A B RATE",
		Short: "Limit the bandwidth of all links between two nodes, for example to 10mbit",
		Args:  cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.centre(cmd)
			if err != nil {
				return err
			}
			return c.Rate(cmd.Context(), args[0], args[1], args[2])
		},
	}
}

func newSilenceCmd(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "silence NODE",
		Short: "Make a node drop all packets, with its links up",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.centre(cmd)
			if err != nil {
				return err
			}
			return c.Silence(cmd.Context(), args[0])
		},
	}
}

// newPowerCmds returns the commands that change the power state of one boot server,
// such as pause, kill and wipe.
func newPowerCmds(p *program) []*cobra.Command {
	verbs := []struct {
		name, short string
		do          func(*placemat.Centre, context.Context, string) error
	}{
		{"pause", "Pause all processes of a boot server", (*placemat.Centre).Pause},
		{"resume", "Resume all processes of a paused boot server", (*placemat.Centre).Resume},
		{"kill", "Simulate a power loss of a boot server", (*placemat.Centre).Kill},
		{"poweroff", "Shut a boot server down and switch it off", (*placemat.Centre).PowerOff},
		{"poweron", "Start a boot server that is off", (*placemat.Centre).PowerOn},
		{"wipe", "Give a boot server a new disk and start it", (*placemat.Centre).Wipe},
	}
	var cmds []*cobra.Command
	for _, v := range verbs {
		cmds = append(cmds, &cobra.Command{
			Use:   v.name + " SERVER",
			Short: v.short,
			Args:  cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				c, err := p.centre(cmd)
				if err != nil {
					return err
				}
				return v.do(c, cmd.Context(), args[0])
			},
		})
	}
	return cmds
}
