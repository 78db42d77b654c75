package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/internal/printable"
	"github.com/cybozu-go/neco/pkg/backup"
	"github.com/cybozu-go/neco/pkg/hostkey"
)

func newBackupVerifyCmd(env *Env) *cobra.Command {
	var all bool
	var keyFile string
	cmd := &cobra.Command{
		Use:   "verify [FILE]",
		Short: "Decrypt snapshots and check that they can be restored",
		Long: `Decrypt a snapshot with this boot server's own key, or with a recovery key, and
check that it can be restored: the newest one, FILE, or with --all every one on
this server. The running etcd is not touched. The decrypted data is on the disk
meanwhile, readable by root only.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := onlyRoot("open backups"); err != nil {
				return err
			}
			if all && len(args) > 0 {
				return hint(errors.New("FILE together with --all"), "give one of them")
			}
			id, err := identity(cmd, env, keyFile)
			if err != nil {
				return err
			}
			files, err := toVerify(env, args, all)
			if err != nil {
				return err
			}
			v := backup.Verifier{FS: env.FS, Identity: id, Restorer: restorer(env), Log: logger(cmd)}
			return verifyAll(cmd, v, files)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "verify every snapshot on this boot server")
	recoveryKeyFlag(cmd, &keyFile)
	return cmd
}

// recoveryKeyFlag adds the flag --recovery-key to a command. Its value is the name of a
// file with a recovery key.
func recoveryKeyFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "recovery-key", "", "`file` with a recovery key (AGE-SECRET-KEY-1...), - for standard input")
}

// identity returns the recovery key in file, or the host key of this server if file is
// empty.
func identity(cmd *cobra.Command, env *Env, file string) (hostkey.Identity, error) {
	if file == "" {
		return hostIdentity(env)
	}
	data, err := readInput(cmd, file)
	if err != nil {
		return hostkey.Identity{}, err
	}
	id, err := hostkey.ParseIdentity(string(data))
	if err != nil {
		return hostkey.Identity{}, hint(fmt.Errorf("recovery key: %w", err), "give the file that age-keygen wrote, whose public half neco setup got as --recovery-recipient")
	}
	return id, nil
}

// hostIdentity returns the host key of this server. It does not create the key, unlike
// setup, join and updates.
func hostIdentity(env *Env) (hostkey.Identity, error) {
	id, err := hostkey.Find(env.FS)
	if errors.Is(err, hostkey.ErrNone) {
		return id, hint(err, "is this a boot server? neco setup, neco join and the next update make its key")
	}
	return id, err
}

// maxKeyFile is how many bytes of a key file are read at most.
const maxKeyFile = 64 << 10

// readInput returns the contents of a key file, or of standard input if file is "-".
func readInput(cmd *cobra.Command, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxKeyFile))
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxKeyFile))
}

// toVerify returns the paths of the snapshots to verify: the one in the argument, all
// snapshots on this server, or the newest snapshot.
func toVerify(env *Env, args []string, all bool) ([]string, error) {
	if len(args) > 0 {
		return args, nil
	}
	list, err := backup.List(env.FS)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, hint(errors.New("there is no snapshot on this boot server"), "take one with neco backup run, or name a file")
	}
	if !all {
		list = list[:1]
	}
	var files []string
	for _, e := range list {
		files = append(files, env.FS.Path(e.Path))
	}
	return files, nil
}

// verifyAll verifies the snapshots in files and prints the result of each. It returns
// an error if a snapshot is not good.
func verifyAll(cmd *cobra.Command, v backup.Verifier, files []string) error {
	bad := 0
	var last error
	for _, file := range files {
		r, err := verifyOne(cmd.Context(), v, file)
		if err != nil {
			bad, last = bad+1, err
			fmt.Fprintf(cmd.OutOrStdout(), "bad   %s\n", printable.Line(errtext.Of(err)))
			continue
		}
		how := "restored for trial"
		if !r.Tried {
			how = "not restored: the image of etcd has no etcdutl"
		}
		fmt.Fprintf(cmd.OutOrStdout(), "good  %s: %d keys at revision %d, %s\n", file, r.Keys, r.Revision, how)
	}
	if bad == 0 {
		return nil
	}
	return explainBackup(fmt.Errorf("%d of %d snapshots cannot be used; the last: %w", bad, len(files), last))
}

func verifyOne(ctx context.Context, v backup.Verifier, file string) (backup.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, backupTimeout)
	defer cancel()
	return v.Verify(ctx, file)
}
