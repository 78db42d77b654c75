package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/pkg/membership"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
)

// statusOptions are the values of the flags of neco status.
type statusOptions struct {
	output
	watch, wait bool
	exitCode    bool
	timeout     time.Duration
	// target is the version given by --for. If it is nil, --wait waits until no update is
	// running or due.
	target *release.Version
}

func newStatusCmd(env *Env) *cobra.Command {
	var o statusOptions
	var version string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the state of the update, and what it is waiting for",
		Long: `Show the current update, what it is waiting for and since when, every boot
server, and the search for releases. The last report of a silent boot server is
not shown as its current state.

If Neco manages Vault, the command queries the Vault of each boot server; with
--watch and --wait it does so every ten seconds, and shows a problem that two
queries in a row have found.

With --watch the picture is redrawn whenever it changes; where the output is not
a terminal, one line is printed for each change (with -o json: one object a
line).

With --wait the command ends when the update ends, and no other one is due. A
release that was published a moment ago is not known yet: with --for VERSION the
command waits until the update to that version, or to a newer one, is complete.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd, version); err != nil {
				return err
			}
			if o.watch || o.wait {
				return env.withStorage(func(s *storage.Storage) error { return follow(cmd, env, s, o) })
			}
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				snap, err := s.FullSnapshot(ctx)
				if err != nil {
					return err
				}
				v := env.view(snap)
				env.probe(ctx, s, &v)
				v.Judge()
				if err := show(cmd, o, v); err != nil || !o.exitCode {
					return err
				}
				return healthError(v)
			})
		},
	}
	addExitStatus(cmd, `Exit codes of --wait and --exit-code; without them status exits with 0 unless
there is an error:

`+exitCodeHelp())
	o.register(cmd)
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "follow the changes until interrupted")
	cmd.Flags().BoolVar(&o.wait, "wait", false, "end when the update ends, with an exit code for how")
	cmd.Flags().BoolVar(&o.exitCode, "exit-code", false, "exit with a code for the health of the data centre")
	cmd.Flags().StringVar(&version, "for", "", "wait until `VERSION`, or a newer one, is complete")
	cmd.Flags().Var(duration.Var(&o.timeout, time.Second, 365*duration.Day), "timeout", "how long --wait waits, 1s to 365d (default: no limit)")
	return cmd
}

// probe adds the state of the Vaults and of the members of etcd to v. It queries both
// at the same time.
func (env *Env) probe(ctx context.Context, s *storage.Storage, v *status.View) {
	members := make(chan membership.Cluster, 1)
	go func() { members <- askEtcd(ctx, s) }()
	v.AddVaults(env.askVaults(ctx, v.Registered()))
	if c := <-members; c != nil {
		v.AddEtcd(c)
	}
}

// healthError returns an error with the exit code for the health in v, or nil if v is
// healthy.
func healthError(v status.View) error {
	code := map[status.Health]int{status.Halted: CodeStopped, status.Degraded: CodeDegraded, status.Updating: CodeRunning}[v.Health]
	if code == 0 {
		return nil
	}
	return &ExitError{Code: code}
}

// check validates the flags. version is the value of --for.
func (o *statusOptions) check(cmd *cobra.Command, version string) error {
	if err := o.validate(); err != nil {
		return err
	}
	switch {
	case o.exitCode && o.wait:
		return hint(errors.New("--exit-code and --wait exclude each other"), "leave out --exit-code: --wait sets the exit code when the update ends")
	case o.exitCode && o.watch:
		return hint(errors.New("--exit-code and --watch exclude each other"), "leave out --watch: --exit-code ends at once")
	}
	for _, name := range []string{"timeout", "for"} {
		if cmd.Flags().Changed(name) && !o.wait {
			return hint(fmt.Errorf("--%s without --wait", name), "add --wait")
		}
	}
	if !cmd.Flags().Changed("for") {
		return nil
	}
	v, err := release.Parse(version)
	if err != nil {
		return hint(fmt.Errorf("--for: %w", err), "give a version such as 2024.01.02-3")
	}
	o.target = &v
	return nil
}

// view returns the view of the snapshot s at the current time.
func (env *Env) view(s *storage.Snapshot) status.View { return status.New(s, steps.Table(), env.Now()) }

// show writes v in the format that -o selects.
func show(cmd *cobra.Command, o statusOptions, v status.View) error {
	if o.json() {
		return writeJSON(cmd.OutOrStdout(), v)
	}
	return render(cmd.OutOrStdout(), v)
}
