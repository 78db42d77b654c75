package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

// proxyVariables are the environment variables that would make programs send traffic
// between boot servers through a proxy.
var proxyVariables = [...]string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"}

func newSetupCmd(env *Env) *cobra.Command {
	var o setup.Options
	cmd := &cobra.Command{
		Use:   "setup [flags] LRN LRN LRN...",
		Short: "Bootstrap a data centre",
		Long: `Bootstrap etcd and Vault with their certificates on three or more boot servers.
Run it on all of them at the same time, with the LRNs of all; the server with
the lowest LRN is the leader. First copy the same setup token to each server:
see neco setup-token.

If it is interrupted, run it again with the same numbers and flags, on every
server where it has ended: it resumes where it stopped.`,
		Example: "  neco setup --check 0 1 2\n  neco setup --proxy http://10.0.49.3:3128 \\\n      --recovery-recipient age1... 0 1 2",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			lrns, err := parseLRNs(args)
			if err != nil {
				return err
			}
			o.LRNs = lrns
			return runSetup(cmd, env, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.CheckOnly, "check", false, "check that all servers are ready, and change nothing")
	f.BoolVar(&o.NoRevoke, "no-revoke", false, "keep Vault's root token, encrypted, in etcd")
	f.StringVar(&o.Proxy, "proxy", "", proxyUsage)
	f.StringVar(&o.TokenFile, "token-file", setupTokenFile, "`file` with the setup token")
	f.StringArrayVar(&o.Recovery, "recovery-recipient", nil, "recovery key `age1...` to which backups and the keys of Vault and the CAs are sealed; may be given more than once")
	f.StringVar(&o.AdminPasswordFile, "admin-password-file", "", "`file` for the password of Vault's user admin, on the leader; without it the password is printed")
	return cmd
}

// noProxy returns an error if one of the proxy variables is set.
func noProxy(env *Env) error {
	for _, name := range proxyVariables {
		if env.Getenv(name) != "" {
			return hint(fmt.Errorf("%s is set: traffic between boot servers must not go through a proxy", name),
				"unset it, and use --proxy for downloads from the internet")
		}
	}
	return nil
}

func runSetup(cmd *cobra.Command, env *Env, o setup.Options) error {
	err := settleSetup(cmd, env, &o)
	if err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return hint(errors.New("only root may set a boot server up"), "try again with sudo")
	}
	if o.HostName, err = os.Hostname(); err != nil {
		return err
	}
	if o.Host, err = setup.RealHost(env.FS.Root, o.Proxy); err != nil {
		return err
	}
	o.Version, o.Artifacts = env.Version, component.Artifacts()
	o.Out, o.Now = cmd.OutOrStdout(), env.Now
	err = setup.Run(cmd.Context(), o)
	if errors.Is(err, setup.ErrComplete) {
		return setUpAlready(cmd, env, o)
	}
	if err != nil {
		return explainSetup(cmd.Context(), err, o)
	}
	return nextAfterSetup(cmd.Context(), cmd.OutOrStdout(), o)
}

// settleSetup validates o, and sets its missing fields from the flags and from this
// server.
func settleSetup(cmd *cobra.Command, env *Env, o *setup.Options) error {
	err := noProxy(env)
	if err != nil {
		return err
	}
	if o.Proxy, err = readProxy(cmd, o.Proxy); err != nil {
		return err
	}
	for _, recipient := range o.Recovery {
		if err := hostkey.CheckRecipient(recipient); err != nil {
			return hint(fmt.Errorf("--recovery-recipient: %w", err), "age-keygen makes a key and prints its public half, age1...")
		}
	}
	if err := env.fromHere(&o.TokenFile, &o.AdminPasswordFile); err != nil {
		return err
	}
	if o.LRN, err = ownLRN(env); err != nil {
		return err
	}
	if err := checkPool(env, o.LRNs...); err != nil {
		return err
	}
	if err := o.Validate(); err != nil {
		return hint(err, "give the LRNs of all boot servers, this one's among them, as in: neco setup 0 1 2")
	}
	return nil
}

// setUpAlready prints that this server is already set up. It returns an error if o
// names boot servers that are not in its data centre.
func setUpAlready(cmd *cobra.Command, env *Env, o setup.Options) error {
	conf, err := neco.LoadEtcdConfig(env.FS.Path(neco.NecoConfFile))
	if err != nil {
		return err
	}
	// If etcd does not use Neco's addresses, its endpoints do not show which boot
	// servers exist.
	ours := slices.Contains(conf.Endpoints, neco.EtcdEndpoints([]int{o.LRN})[0])
	for i, endpoint := range neco.EtcdEndpoints(o.LRNs) {
		if lrn := o.LRNs[i]; ours && !slices.Contains(conf.Endpoints, endpoint) {
			return hint(fmt.Errorf("this server is set up already, and boot server %d is not in its data centre", lrn),
				"run neco join on that server to add it; neco status lists the boot servers")
		}
	}
	fmt.Fprintln(cmd.OutOrStdout(), "This server is set up already; see neco status.")
	return nil
}

// explainSetup adds a hint to err, an error of setup.
func explainSetup(ctx context.Context, err error, o setup.Options) error {
	var file *fs.PathError
	var refused meet.Refusal
	switch {
	case errors.Is(err, meet.ErrTokenInvalid) && !errors.As(err, &refused):
		return hint(err, "copy the file again, whole; neco setup-token makes a new one, for all boot servers")
	case errors.Is(err, meet.ErrTokenReadable):
		return hint(err, "if others could have read it, make a new one with neco setup-token, for all boot servers")
	case errors.Is(err, fs.ErrNotExist) && errors.As(err, &file) && file.Path == o.TokenFile:
		return hint(err, "neco setup-token makes one; all boot servers need the same")
	case errors.As(err, &refused):
		return hint(err, "%s", refused.Hint())
	case errors.Is(err, setup.ErrRuns):
		return hint(err, "do not end it: it is waiting for the others; pgrep -ax neco shows it, even if its terminal has gone")
	case o.CheckOnly && errors.Is(err, context.DeadlineExceeded):
		return hint(err, "start neco setup --check on all boot servers, within %s", setup.CheckPatience)
	case !o.CheckOnly && (errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil):
		return hint(err, "run neco setup again, with the same numbers and flags, on every boot server where it has ended; it resumes where it stopped")
	}
	return err
}

// nextAfterSetup prints the next commands for an operator after the setup.
func nextAfterSetup(_ context.Context, w io.Writer, o setup.Options) error {
	if o.CheckOnly {
		fmt.Fprintln(w, "All boot servers are ready.")
		return nil
	}
	if o.LRN != setup.Leader(o.LRNs) {
		return nil
	}
	fmt.Fprint(w, `
The data centre is up. Next:
  neco status --watch                    see the first update complete
  neco config set env staging            follow releases (prod, staging, ...)
  neco config list                       see what else can be set
  neco init sabakan                      prepare a program; then, on each boot server, with
                                         the password of Vault's user admin: neco init-local
`)
	if o.AdminPasswordFile != "" {
		fmt.Fprintf(w, "The password of Vault's user admin is in %s: keep it elsewhere, and remove the file.\n", o.FS.Path(o.AdminPasswordFile))
	}
	return nil
}
