package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/pkg/backup"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/storage"
)

func newBackupCmd(env *Env) *cobra.Command {
	cmd := group("backup", "Take, list and verify snapshots of etcd")
	cmd.AddCommand(newBackupListCmd(env), newBackupRunCmd(env), newBackupVerifyCmd(env))
	return cmd
}

// backupTimeout is how long one backup may take before it fails. The timer starts a
// backup every hour.
const backupTimeout = 50 * time.Minute

// backupPatience is how long a backup waits for this server's member of etcd to answer. It is
// long, because a member on a busy server may answer late, and after a failure the timer starts
// the next backup only after an hour.
const backupPatience = time.Minute

func newBackupRunCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Take a snapshot of etcd now (etcd-backup.timer does it every hour)",
		Long: `Take a snapshot of the etcd member on this boot server, check that it can be
restored, and encrypt it to the boot servers and the recovery keys. It is kept
in ` + neco.EtcdBackupDir + ` for 14 days. Older ones are removed only if the new
one is good.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := onlyRoot("take backups"); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), backupTimeout)
			defer cancel()
			return runBackup(ctx, cmd, env)
		},
	}
}

func runBackup(ctx context.Context, cmd *cobra.Command, env *Env) error {
	me, err := thisServer(env)
	if err != nil {
		return err
	}
	o := backup.Options{FS: env.FS, Restorer: restorer(env), Now: env.Now, Log: logger(cmd)}
	if o.Identity, err = hostIdentity(env); err != nil {
		return err
	}
	// Only the member on this server: each server backs up its own copy.
	conf := neco.EtcdConfig{
		Endpoints: neco.EtcdEndpoints([]int{me.Subject.LRN}), Prefix: neco.NecoPrefix, Timeout: "2s",
		TLSCAFile:   env.FS.Path(neco.ServerCAFile),
		TLSCertFile: env.FS.Path(neco.EtcdBackupCertFile), TLSKeyFile: env.FS.Path(neco.EtcdBackupKeyFile),
	}
	if o.Etcd, err = conf.Client(); err != nil {
		return err
	}
	defer o.Etcd.Close()
	r, err := takeBackup(ctx, env, &o, me)
	if !errors.Is(err, backup.ErrBusy) {
		recordBackup(ctx, env, o, me.Subject.LRN, r, err)
	}
	if err != nil {
		return explainBackup(err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: %d keys at revision %d, for %d recipients\n", r.Path, r.Keys, r.Revision, len(o.Recipients))
	return nil
}

func takeBackup(ctx context.Context, env *Env, o *backup.Options, me renewal.Server) (r backup.Result, err error) {
	roots, err := me.Roots(pki.ServerCA)
	if err != nil {
		return r, err
	}
	if o.Recipients, err = backupRecipients(ctx, env, *o, roots); err != nil {
		return r, err
	}
	return backup.Run(ctx, *o)
}

// recordBackup writes the result of a backup to etcd for neco status, even after the
// end of ctx. If the write fails, neco status will warn that the last backup is too
// old.
func recordBackup(ctx context.Context, env *Env, o backup.Options, lrn int, r backup.Result, failed error) {
	s := storage.New(o.Etcd)
	err := env.guarded(context.WithoutCancel(ctx), s, etcdTimeout, func(ctx context.Context) (err error) {
		if r.Path != "" { // a good snapshot counts, whatever failed after it
			err = s.PutBackup(ctx, lrn, r.Time, r.Revision)
		}
		if err == nil && failed != nil {
			err = s.PutBackupFailure(ctx, lrn, o.Now(), failed)
		}
		return err
	})
	if err != nil {
		o.Log.Warn("neco status does not show this backup", "err", err)
	}
}

// backupRecipients returns the public keys to which a snapshot is encrypted: the keys
// of the registered boot servers and the recovery keys. It logs a warning about boot
// servers without a valid key.
func backupRecipients(ctx context.Context, env *Env, o backup.Options, roots *x509.CertPool) (all []string, err error) {
	s := storage.New(o.Etcd)
	err = env.patient(ctx, s, backupPatience, func(ctx context.Context) error {
		snap, err := s.Snapshot(ctx)
		if err != nil {
			return err
		}
		var shutOut error
		all, shutOut, err = backup.Recipients(ctx, o.Etcd, roots, snap.Registered, o.Identity.Recipient(), o.Now())
		if shutOut != nil {
			o.Log.Warn("snapshot is not encrypted to every boot server", "err", shutOut)
		}
		return err
	})
	return all, err
}

// restorer returns a Restorer that uses the container image of etcd in this version of
// Neco.
func restorer(env *Env) backup.Restorer {
	img, err := component.Artifacts().FindContainerImage("etcd")
	if err != nil {
		return backup.Docker{}
	}
	return backup.Docker{Image: host.Containers{FS: env.FS}.FullName(img)}
}

// explainBackup adds a hint for the operator to err, an error of a backup.
func explainBackup(err error) error {
	switch {
	case errors.Is(err, backup.ErrDiskFull):
		return hint(err, "free space in %s; earlier snapshots are unchanged", neco.EtcdBackupDir)
	case errors.Is(err, backup.ErrCorrupt):
		return hint(err, "the disk of this member may be bad: compare with neco backup run on another boot server, and look at etcdctl endpoint hashkv --cluster")
	case errors.Is(err, hostkey.ErrCannotOpen):
		return hint(err, "it is sealed to other keys: a boot server's key decrypts the snapshots that were taken while the server was registered, a recovery key those that were taken since neco setup --recovery-recipient")
	}
	return explain(err)
}

// logger returns a logger that writes to standard error.
func logger(cmd *cobra.Command) *slog.Logger {
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if err, ok := a.Value.Any().(error); ok {
			a.Value = slog.StringValue(errtext.Of(err))
		}
		return a
	}}))
}

// onlyRoot returns an error unless the user is root. act is the end of the error "only
// root may ...".
func onlyRoot(act string) error {
	if os.Geteuid() == 0 {
		return nil
	}
	return hint(fmt.Errorf("only root may %s", act), "try again with sudo")
}
