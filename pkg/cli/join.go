package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/join"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/vault"
)

// joinTokenFile is the default file of the join token.
const joinTokenFile = "/etc/neco/join-token"

// maxTokenFile is how many bytes of a token file are read at most.
const maxTokenFile = 8192

func newJoinCmd(env *Env) *cobra.Command {
	var check bool
	var tokenFile, caFile, proxy string
	cmd := &cobra.Command{
		Use:   "join [flags] LRN...",
		Short: "Join this server to an existing data centre",
		Long: `Make this server a boot server of the data centre of the boot servers LRN.... It
needs a join token, see neco join-token, in ` + joinTokenFile + `; or, with
--ca-file, the policies of an operator of Vault: VAULT_TOKEN, else a user and a
password are asked for.

It gets its certificates and is registered. The next update, which neco-updater
starts at once, makes it a member of etcd and starts its Vault.

If it is interrupted, run it again with the same token: it resumes where it
stopped.`,
		Example: "  neco join --check 0 1 2\n  neco join 0 1 2\n  neco join --ca-file server-ca.crt 0 1 2",
		Args:    atLeast(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if proxy == "-" && tokenFile == "-" && caFile == "" {
				return hint(errors.New("--proxy and --token-file cannot both be read from standard input"), "put the token into %s", joinTokenFile)
			}
			proxy, err := readProxy(cmd, proxy)
			if err != nil {
				return err
			}
			o, err := joinOptions(env, args, proxy)
			if err != nil {
				return err
			}
			o.CheckOnly, o.Out, o.Now = check, cmd.OutOrStdout(), env.Now
			if caFile != "" {
				o.Operator = operatorLogin(cmd, env)
				if o.CA, err = readAuthority(caFile); err != nil {
					return err
				}
			} else if err := readToken(cmd, env, tokenFile, &o); err != nil && !joined(env) {
				return explainJoin(err)
			}
			if err := join.Run(cmd.Context(), o); err != nil {
				return explainJoin(err)
			}
			if check && !joined(env) {
				unless := ""
				if caFile == "" {
					unless = ", unless its token has been used, revoked or replaced"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "This server is ready to join%s.\n", unless)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&check, "check", false, "check that this server is ready and the token is valid, and change nothing")
	f.StringVar(&tokenFile, "token-file", joinTokenFile, "`file` with the join token; - reads standard input")
	f.StringVar(&caFile, "ca-file", "", "`file` with the certificate of the CA for servers; instead of a token")
	f.StringVar(&proxy, "proxy", "", proxyUsage)
	return cmd
}

// joined reports whether this server has joined completely and therefore needs no token.
func joined(env *Env) bool {
	_, config := env.FS.Stat(neco.NecoConfFile)
	_, progress := env.FS.Stat(join.Dir)
	return config == nil && errors.Is(progress, fs.ErrNotExist)
}

// joinOptions returns the options of a join, without the token: those in the arguments,
// the proxy, and the names and addresses of this server.
func joinOptions(env *Env, args []string, proxy string) (join.Options, error) {
	var o join.Options
	if err := noProxy(env); err != nil {
		return o, err
	}
	var err error
	if o.LRNs, err = parseLRNs(args); err != nil {
		return o, err
	}
	if os.Geteuid() != 0 {
		return o, hint(errors.New("only root may make a server join"), "try again with sudo")
	}
	if o.Host, err = setup.RealHost(env.FS.Root, proxy); err != nil {
		return o, err
	}
	o.Self, err = ownSubject(env, o.Host)
	o.Version = env.Version
	return o, err
}

// readAuthority returns the CA certificate in the file of --ca-file.
func readAuthority(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err == nil {
		if _, err = pki.ParseCert(data); err != nil {
			err = fmt.Errorf("%s: %w", file, err)
		}
	}
	if err != nil {
		return nil, hint(fmt.Errorf("--ca-file: %w", err), "give a copy of a boot server's %s", neco.ServerCAFile)
	}
	return data, nil
}

// ownSubject returns the names and addresses for the certificates of this server.
func ownSubject(env *Env, h setup.Host) (pki.Subject, error) {
	lrn, err := ownLRN(env)
	if err != nil {
		return pki.Subject{}, err
	}
	name, err := os.Hostname()
	return pki.NewSubject(lrn, name, h.Bastion()), err
}

// readToken stores in o the join token that it reads from the file called name, or from
// standard input if name is "-".
func readToken(cmd *cobra.Command, env *Env, name string, o *join.Options) error {
	var text []byte
	var err error
	if name == "-" {
		text, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxTokenFile))
	} else if err = env.fromHere(&name); err == nil {
		o.TokenFile = name
		text, err = readPrivate(env.FS.Path(name))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return hint(fmt.Errorf("no join token: %w", err), "make one on a boot server with neco join-token, and copy it here; or use --ca-file with the rights of an operator")
	}
	if err != nil {
		return fmt.Errorf("read join token: %w", err)
	}
	t, err := join.Parse(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("read join token: %s: %w", name, err)
	}
	o.Token = &t
	return nil
}

// readPrivate returns the contents of the file called name. It fails if other users
// than the owner may read the file.
func readPrivate(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Mode().Perm()&0o077 != 0 {
		return nil, hint(fmt.Errorf("%s: its group or others may read it (mode %04o)", name, fi.Mode().Perm()), "chmod 600 %s", name)
	}
	return io.ReadAll(io.LimitReader(f, maxTokenFile))
}

// explainJoin adds a hint for the operator to err, an error of a join or about a join
// token.
func explainJoin(err error) error {
	again := "make a new one on a boot server: neco join-token --lrn N"
	for _, h := range []struct {
		err  error
		text string
	}{
		{join.ErrTokenInvalid, "copy the token again, whole; or " + again},
		{join.ErrTokenExpired, again},
		{join.ErrTokenUsed, "use the newest token that was made for this server; if an earlier attempt reported that the token may be used up, " + again +
			"; otherwise, if no operator of yours has used this token, it was stolen: run neco join-token revoke N on a boot server at once; then " + again},
		{join.ErrCAPinMismatch, "another server answers at that address, or the token, or the CA of --ca-file, belongs to another data centre; no secret was sent"},
		{join.ErrTokenUnsure, "try again with the same token; if the error is TokenUsed,  " + again},
		{join.ErrVaultToken, "set another VAULT_TOKEN, or unset it to log in interactively"},
		{join.ErrVersion, "install the version that the data centre runs on this server, and try again"},
		{join.ErrRegistered, "if that server will not come back, or was wiped, remove it first: neco leave N on another boot server"},
		{pki.ErrCSRRefused, "the names in the token are not this server's; make a new one with neco join-token --host-name and --bastion"},
		{join.ErrUnreachable, "check the addresses of this server, and run neco vault unseal on the boot servers"},
	} {
		if errors.Is(err, h.err) {
			return hint(err, "%s", h.text)
		}
	}
	if vault.Denied(err) {
		return hint(err, "the token of Vault is wrong or has expired, or lacks the policy admin (for neco join --ca-file, ca-admin too)")
	}
	return explain(err)
}
