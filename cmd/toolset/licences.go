package main

import (
	"fmt"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/toolset"
)

// ours is the path of the module of Neco.
const ours = "github.com/cybozu-go/neco"

func newLicencesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "licences DIR",
		Short: "Print the licences of all Go modules that are linked into the programs below DIR, and of Go",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			programs, err := toolset.GoPrograms(args[0])
			if err != nil {
				return err
			}
			out, err := exec.CommandContext(cmd.Context(), "go", "env", "GOMODCACHE", "GOROOT").Output()
			if err != nil {
				return fmt.Errorf("go env: %w", err)
			}
			modCache, goRoot, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
			return toolset.WriteLicences(cmd.OutOrStdout(), programs, modCache, goRoot, ours)
		},
	}
}
