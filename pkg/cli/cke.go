package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/cke"
	ckepackage "github.com/cybozu-go/neco/pkg/component/cke"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/storage"
)

func newCKECmd(env *Env) *cobra.Command {
	cmd := group(program.CKE, "Set the template from which CKE builds the Kubernetes cluster")
	cmd.AddCommand(newCKEUpdateCmd(env), newCKEWeightCmd(env))
	return cmd
}

func newCKEUpdateCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "update",
		Short: "Set the template of CKE now, instead of in the next update",
		Long: `Give CKE the template of this package, with the name of the cluster and the
weights of neco cke weight. Nothing is changed if CKE has that template
already. After a change CKE regenerates the cluster: nodes may join and leave.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return updateCKE(cmd.Context(), cmd.OutOrStdout(), env)
		},
	}
}

func updateCKE(ctx context.Context, out io.Writer, env *Env) error {
	p, err := program.Find(program.CKE)
	if err != nil {
		return err
	}
	here, err := env.FS.Exists(p.User.Cert)
	if err == nil && !here {
		err = hint(errors.New("CKE is not set up on this boot server"), "neco init-local %s does that", p.Name)
	}
	if err != nil {
		return err
	}
	// Another version may refuse the template, or read it in another way.
	switched, err := ckepackage.Component{}.Switched(env.FS)
	if err == nil && !switched {
		err = hint(errors.New("CKE starts here in the version of another release until an update switches it"), "wait for the update with neco status --wait: it sets the template, too")
	}
	if err != nil {
		return err
	}
	var file string
	var template []byte
	err = env.request(ctx, func(ctx context.Context, s *storage.Storage) error {
		envName, err := envOf(ctx, s)
		if err != nil {
			return err
		}
		weights, err := s.CKEWeights(ctx)
		if err != nil {
			return malformedWeights(err)
		}
		file = cke.TemplateFile(envName)
		template, err = cke.Desired(env.FS, envName, weights)
		if errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return hint(err, "neco cke weight list shows the weights; neco cke weight unset removes one")
	})
	if err != nil {
		return err
	}
	changed, err := cke.Update(ctx, cke.New(env.FS), template)
	switch {
	case err != nil && retry.MayPass(err):
		return hint(err, "see neco status; try again when etcd has a majority")
	case err != nil:
		return err
	case changed:
		fmt.Fprintf(out, "the template is set from %s\n", file)
	default:
		fmt.Fprintf(out, "CKE has the template of %s already; nothing is changed\n", file)
	}
	return nil
}

// envOf returns the environment of the data centre.
func envOf(ctx context.Context, s *storage.Storage) (string, error) {
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return "", err
	}
	return snap.Config.Env, nil
}

// malformedWeights adds a hint to err, an error about the stored weights.
func malformedWeights(err error) error {
	if bad := (storage.MalformedKey{}); errors.As(err, &bad) {
		return hint(err, "the weights are not used; delete %s with etcdctl and set them again", bad.Key)
	}
	return err
}
