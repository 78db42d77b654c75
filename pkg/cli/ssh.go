package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/storage"
)

// sshKeyBits is the size of the generated key.
const sshKeyBits = 2048

func newSSHCmd(env *Env) *cobra.Command {
	cmd := group("ssh", "The key for logging in to nodes")
	cmd.AddCommand(newSSHGenerateCmd(env))
	return cmd
}

func newSSHGenerateCmd(env *Env) *cobra.Command {
	var dump, force bool
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Generate the key with which CKE and operators log in to nodes",
		Long: `Generate an RSA key. CKE keeps its private part in Vault; the public part is
kept in etcd, and nodes get it with their ignition template. Nodes that run
know only the key with which they booted.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return generateSSHKey(cmd, env, dump, force)
		},
	}
	cmd.Flags().BoolVar(&dump, "dump", false, "print the private key, too")
	cmd.Flags().BoolVar(&force, "force", false, "replace the key of the data centre")
	return cmd
}

func generateSSHKey(cmd *cobra.Command, env *Env, dump, force bool) error {
	var old string
	err := env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) (err error) {
		old, err = s.SSHKey(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if old != "" && !force {
		return hint(errors.New("the data centre has a key already"), "--force replaces it: nodes that run do not know the new one until they boot again")
	}
	private, public, err := newSSHKey()
	if err != nil {
		return err
	}
	// The public key follows the private key, so that no node gets a key that CKE does not
	// have.
	if err := cke.New(env.FS).SetSSHKey(cmd.Context(), private); err != nil {
		if retry.MayPass(err) {
			err = hint(err, "see neco status; try again when etcd has a majority and Vault is unsealed")
		}
		return err
	}
	err = env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
		return s.PutSSHKey(ctx, old, string(public), env.act(storage.KindConfig, "the SSH key of nodes is generated"))
	})
	if err != nil {
		return hint(err, "CKE has the new key, but nodes will not get it: run neco ssh generate --force again")
	}
	out := cmd.OutOrStdout()
	if dump {
		_, err = out.Write(private)
		return err
	}
	fmt.Fprintln(out, "the key is generated; the next update gives its public part to nodes that boot, or neco init-data --ignitions-only does so now")
	return nil
}

// newSSHKey returns a new private key in PEM, and its public key as in authorized_keys,
// without a comment.
func newSSHKey() (private, public []byte, err error) {
	key, err := rsa.GenerateKey(rand.Reader, sshKeyBits)
	if err != nil {
		return nil, nil, err
	}
	pub, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		return nil, nil, err
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return pem.EncodeToMemory(block), bytes.TrimSpace(ssh.MarshalAuthorizedKey(pub)), nil
}
