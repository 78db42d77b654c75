package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/toolset"
)

func newStageCommand(list *string) *cobra.Command {
	o := newOptions()
	var release bool
	cmd := &cobra.Command{
		Use:   "stage DIR",
		Short: "Write the programs into DIR as they are in the package",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if release && o.StandIns != "" {
				return errors.New("a release contains no stand-ins: omit --stand-ins or --release")
			}
			l, err := toolset.Load(*list)
			if err != nil {
				return err
			}
			if release {
				if err := checkRelease(l, *list); err != nil {
					return err
				}
			}
			if err := setCache(&o); err != nil {
				return err
			}
			o.Out = args[0]
			result, err := toolset.Stage(cmd.Context(), l, o)
			if err != nil {
				return err
			}
			note(result)
			return nil
		},
	}
	cmd.Flags().BoolVar(&release, "release", false, "fail unless all programs of the package and of the bundles are known, and their licences")
	cmd.Flags().StringVar(&o.StandIns, "stand-ins", "", "directory with programs that replace the missing ones, for tests")
	addCacheFlag(cmd, &o)
	return cmd
}

// checkRelease returns an error that names everything in the list in file that a release lacks.
func checkRelease(l toolset.List, file string) error {
	digests, licences := l.CheckDigests(), l.CheckLicences()
	if digests != nil {
		digests = fmt.Errorf("a release must contain all programs of %s: %w", file, digests)
	}
	if licences != nil {
		licences = fmt.Errorf("a release must contain the licences of all programs of %s: %w", file, licences)
	}
	return errors.Join(digests, licences)
}

// newOptions returns the options that all commands have.
func newOptions() toolset.Options {
	return toolset.Options{Client: http.DefaultClient, Log: func(text string) { fmt.Fprintln(os.Stderr, text) }}
}

func addCacheFlag(cmd *cobra.Command, o *toolset.Options) {
	cmd.Flags().StringVar(&o.Cache, "cache", "", "directory of builds and downloads (default: neco/toolset in the user's cache directory)")
}

// setCache sets the default of the flag --cache.
func setCache(o *toolset.Options) error {
	if o.Cache != "" {
		return nil
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	o.Cache = filepath.Join(user, "neco", "toolset")
	return nil
}

// note prints what the result does not have.
func note(result toolset.Staged) {
	if err := result.Complete(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
