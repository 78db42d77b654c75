package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/backup"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// reissueTimeout is how long neco cert reissue may take before it fails.
const reissueTimeout = 10 * time.Minute

func newCertReissueCmd(env *Env) *cobra.Command {
	var keyFile, authorities string
	var agreed consent
	cmd := &cobra.Command{
		Use:   "reissue",
		Short: "Sign new certificates with a recovery key, without etcd and Vault",
		Long: `Issue new certificates to this boot server without etcd and Vault. This is
needed when all certificates have expired, because the data centre was off for
longer than their validity. Run it on each boot server.

The keys of the CAs, sealed to the recovery keys, are read from
` + renewal.AuthoritiesFile + `, else from the newest backup on
this server, unless --authorities names a file. They must belong to the CAs that
this server trusts. New keys of certificates are generated here. If etcd
answers, certificates can be renewed without a recovery key, and the command has
to be confirmed, on a terminal or by --yes.`,
		Example: "  neco cert reissue --recovery-key /media/usb/recovery.key",
		Args:    none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := onlyRoot("reissue certificates"); err != nil {
				return err
			}
			if keyFile == "" {
				return hint(errors.New("--recovery-key is missing"), "give the file with a key to which neco setup --recovery-recipient sealed the keys of the CAs")
			}
			id, err := identity(cmd, env, keyFile)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), reissueTimeout)
			defer cancel()
			if err := needsReissue(ctx, cmd, env, agreed); err != nil {
				return err
			}
			return reissue(ctx, cmd, env, id, authorities)
		},
	}
	recoveryKeyFlag(cmd, &keyFile)
	cmd.Flags().StringVar(&authorities, "authorities", "", "`file` with the sealed keys of the CAs, if it is elsewhere")
	agreed.register(cmd)
	return cmd
}

// needsReissue returns nil if etcd does not answer this server. If etcd answers, the
// servers can renew their certificates without this command, so the operator has to
// confirm.
func needsReissue(ctx context.Context, cmd *cobra.Command, env *Env, agreed consent) error {
	err := env.request(ctx, func(ctx context.Context, s *storage.Storage) error {
		_, err := s.Snapshot(ctx)
		return err
	})
	if err != nil {
		return nil
	}
	fmt.Fprintln(cmd.OutOrStdout(), "etcd answers, and certificates are renewed without this command (neco cert list). This will\n"+
		"  replace the keys and certificates of this boot server, and reload or restart the programs that use them")
	return agreed.get(cmd)
}

// reissue replaces the keys and certificates of this server. It signs the new
// certificates with the CA keys in file, which it decrypts with id, the recovery key.
func reissue(ctx context.Context, cmd *cobra.Command, env *Env, id hostkey.Identity, file string) error {
	me, err := whoAmI(env)
	if err != nil {
		return err
	}
	sealed, err := sealedAuthorities(ctx, cmd, env, id, file)
	if err != nil {
		return err
	}
	authorities, err := renewal.OpenAuthorities(sealed, id)
	if errors.Is(err, hostkey.ErrCannotOpen) {
		return hint(err, "they are sealed to other recovery keys: those of neco setup --recovery-recipient")
	}
	if err != nil {
		return err
	}
	if err := authorities.Match(me); err != nil {
		return err
	}
	for _, p := range renewal.Reissued(me) {
		if err := authorities.Reissue(ctx, me, p); err != nil {
			return hint(err, "run it again: it resumes where it stopped")
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: new certificate and key\n", p.Cert)
	}
	return reloadPrograms(ctx, cmd.OutOrStdout(), env, me)
}

// whoAmI returns this server with the names and addresses in its certificate, which may
// be expired. Without a certificate it takes them from the machine.
func whoAmI(env *Env) (renewal.Server, error) {
	me, err := thisServer(env)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return me, err
	}
	lrn, err := ownLRN(env)
	if err != nil {
		return me, err
	}
	h, err := setup.RealHost(env.FS.Root, "")
	if err != nil {
		return me, err
	}
	name, err := os.Hostname()
	if err != nil {
		return me, err
	}
	return renewal.Server{FS: env.FS, Subject: pki.NewSubject(lrn, name, h.Bastion()), Now: env.Now}, nil
}

// sealedAuthorities returns the encrypted CA keys: from file if that is not empty, or
// else from [renewal.AuthoritiesFile], or else from the newest backup on this server,
// which it decrypts with id.
func sealedAuthorities(ctx context.Context, cmd *cobra.Command, env *Env, id hostkey.Identity, file string) ([]byte, error) {
	if file != "" {
		return readInput(cmd, file)
	}
	data, err := env.FS.Read(renewal.AuthoritiesFile)
	if !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	list, err := backup.List(env.FS)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, hint(fmt.Errorf("%s is absent, and there is no backup on this boot server", renewal.AuthoritiesFile),
			"copy that file from another boot server, and name it with --authorities; without --recovery-recipient at neco setup there is none")
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "reading the keys of the CAs from %s\n", list[0].Path)
	v := backup.Verifier{FS: env.FS, Identity: id, Restorer: restorer(env), Log: logger(cmd)}
	data, err = v.Value(ctx, env.FS.Path(list[0].Path), neco.NecoPrefix+vaultkey.KeyAuthority)
	if errors.Is(err, backup.ErrAbsent) {
		return nil, hint(err, "neco setup was run without --recovery-recipient: the keys of the CAs are only in Vault")
	}
	return data, explainBackup(err)
}

// reloadPrograms makes the programs on this server use their new certificates, and starts
// etcd and Vault.
func reloadPrograms(ctx context.Context, out io.Writer, env *Env, me renewal.Server) error {
	var units host.Units
	services := renewal.Services{Units: units, Containers: host.Containers{FS: env.FS}}
	var errs []error
	for _, p := range renewal.Reissued(me) {
		errs = append(errs, services.Reload(ctx, p))
	}
	for _, name := range []string{neco.EtcdService, neco.VaultService} {
		known, err := units.Known(ctx, name)
		if err == nil && known {
			err = units.Start(ctx, name)
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return hint(err, "the certificates are in place; systemctl status etcd-container vault says more")
	}
	fmt.Fprintln(out, "Done here. When it is done on a majority of the boot servers etcd serves again,\nand Vault is unsealed by itself; see neco status.")
	return nil
}
