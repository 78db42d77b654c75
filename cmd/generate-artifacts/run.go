package main

import (
	"context"
	"io"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/artifacts"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/release"
)

// options are the parameters of the command.
type options struct {
	finder artifacts.Finder
	// known is the present table of digests.
	known release.Digests
	// ignoreFile is the file with ignored versions; output and digests are the files to write.
	ignoreFile, output, digests string
	stdout                      io.Writer
}

// run writes the artifact set, and the table of digests if a file for it is given. It writes
// nothing before both are complete.
func run(ctx context.Context, o options) error {
	current := component.Artifacts()
	if o.ignoreFile != "" {
		var err error
		if o.finder.Ignored, err = artifacts.LoadIgnored(o.ignoreFile, current); err != nil {
			return err
		}
	}
	set, err := o.finder.Newest(ctx, current)
	if err != nil {
		return err
	}
	source, err := artifacts.Source(set)
	if err != nil {
		return err
	}
	if o.digests != "" {
		if err := writeDigests(ctx, o, set); err != nil {
			return err
		}
	}
	if o.output != "" {
		return neco.WriteFile(o.output, string(source))
	}
	_, err = o.stdout.Write(source)
	return err
}

// writeDigests computes the digests of set and writes the table.
func writeDigests(ctx context.Context, o options, set neco.ArtifactSet) error {
	digests, err := o.finder.Digests(ctx, set, o.known)
	if err != nil {
		return err
	}
	source, err := artifacts.DigestsSource(set, digests)
	if err != nil {
		return err
	}
	return neco.WriteFile(o.digests, string(source))
}
