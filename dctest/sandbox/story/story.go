package story

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cybozu-go/neco/dctest/sandbox"
)

// Options are the parameters of Tell.
type Options struct {
	// Debs are the paths of the packages. The boot servers start with the first one and
	// are updated to each of the others in turn.
	Debs []string
	// Dir is the directory of the sandbox, as in sandbox.Options.
	Dir string
	// Timeout is how long Tell waits for each update to complete before it fails.
	Timeout time.Duration
	// Out receives the output.
	Out io.Writer
}

// Tell starts a sandbox, updates it and prints the progress. It returns the sandbox,
// which the caller has to close, or nil if the sandbox could not be started.
func Tell(ctx context.Context, o Options) (*sandbox.Sandbox, error) {
	t := &teller{Options: o, began: time.Now()}
	if err := t.check(ctx); err != nil {
		return nil, err
	}
	t.say("a data centre of three boot servers")
	s, err := sandbox.Start(ctx, sandbox.Options{Dir: o.Dir, Deb: o.Debs[0], Say: t.say})
	if err != nil {
		return nil, err
	}
	for i, deb := range o.Debs {
		if err := t.update(ctx, s, deb, i > 0); err != nil {
			if ctx.Err() == nil { // not an interrupt
				t.logs(s)
				t.say(fmt.Sprintf("failed: %v", err))
			}
			return s, err
		}
	}
	if err := writeTable(t.Out, t.runs); err != nil {
		return s, err
	}
	t.end(s)
	return s, nil
}

// teller runs and prints a story.
type teller struct {
	Options
	began time.Time
	runs  []*sandbox.Run
}

// say prints a line with the time since the start.
func (t *teller) say(text string) {
	fmt.Fprintf(t.Out, "%6.1fs  %s\n", time.Since(t.began).Seconds(), text)
}

// update waits until all boot servers run the version of deb, and verifies that they
// do.
func (t *teller) update(ctx context.Context, s *sandbox.Sandbox, deb string, publish bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, t.Timeout, fmt.Errorf("not complete within %s", t.Timeout))
	defer cancel()
	v, err := sandbox.DebVersion(deb)
	if err != nil {
		return err
	}
	version := v.String()
	if publish {
		if _, err := s.Publish(deb, false); err != nil {
			return err
		}
	}
	run, err := s.Follow(ctx, version, func(st sandbox.StepTime) {
		t.say(fmt.Sprintf("  step %2d  %-22s %6.2fs", st.N, st.Name, st.Took.Seconds()))
	})
	if err != nil {
		return err
	}
	t.runs = append(t.runs, run)
	t.say(fmt.Sprintf("update to %s: complete after %.1fs", version, run.Took.Seconds()))
	return t.prove(ctx, s, version)
}

func (t *teller) prove(ctx context.Context, s *sandbox.Sandbox, version string) error {
	proofs, err := s.Prove(ctx, version)
	for _, p := range proofs {
		t.say(fmt.Sprintf("  boot server %d  neco-worker (pid %d) and neco-updater (pid %d) run %s; dpkg: installed %s",
			p.LRN, p.WorkerPID, p.UpdaterPID, p.Version, p.Version))
	}
	if err != nil {
		return err
	}
	has, err := s.Contents(ctx)
	if err != nil {
		return err
	}
	t.say(fmt.Sprintf("  sabakan has the operating system %s, %d assets, and the ignition templates %s",
		strings.Join(has.Systems, ", "), len(has.Assets), strings.Join(has.Templates, ", ")))
	cke, err := s.CKE(ctx)
	if err != nil {
		return err
	}
	t.say(fmt.Sprintf("  CKE runs on %s, and has %d objects for Kubernetes", strings.Join(cke.Hosts, ", "), cke.Resources))
	return nil
}

// end prints the final version and the total time.
func (t *teller) end(s *sandbox.Sandbox) {
	last := t.runs[len(t.runs)-1].Version
	fmt.Fprintf(t.Out, "\nAll %d boot servers run %s, %.1f s after the start.\n",
		len(s.Servers()), last, time.Since(t.began).Seconds())
}

// logLines is how many of the last lines of a log are printed.
const logLines = 15

// logs prints the last lines of the logs of all boot servers.
func (t *teller) logs(s *sandbox.Sandbox) {
	for _, lrn := range s.Servers() {
		for _, unit := range []string{sandbox.WorkerUnit, sandbox.UpdaterUnit} {
			fmt.Fprintf(t.Out, "\n--- boot server %d, %s:\n%s\n", lrn, unit, strings.Join(s.Tail(lrn, unit, logLines), "\n"))
		}
	}
}
