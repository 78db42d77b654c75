package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/cke"
	"github.com/cybozu-go/neco/pkg/storage"
)

func newCKEWeightCmd(env *Env) *cobra.Command {
	cmd := group("weight", "Show and change the weights of roles in the template of CKE")
	cmd.AddCommand(newCKEWeightListCmd(env), newCKEWeightGetCmd(env), newCKEWeightSetCmd(env), newCKEWeightUnsetCmd(env))
	return cmd
}

func newCKEWeightListCmd(env *Env) *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Print the weights that were set, as JSON",
		Long: `Print the weights that were set, as a JSON object with the roles as its keys.
-o json is the default and the only format.`,
		Args: none(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validateJSON(); err != nil {
				return err
			}
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				weights, err := s.CKEWeights(ctx)
				if err != nil {
					return malformedWeights(err)
				}
				return writeJSON(cmd.OutOrStdout(), weights)
			})
		},
	}
	o.registerJSON(cmd)
	return cmd
}

// weightJSON is the JSON of neco cke weight get.
type weightJSON struct {
	Role   string  `json:"role"`
	Weight float64 `json:"weight"`
	// Set reports whether the weight was set; otherwise it is that of the template.
	Set bool `json:"set"`
}

func newCKEWeightGetCmd(env *Env) *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:               "get ROLE",
		Short:             "Print the weight of a role",
		Long:              "Print the weight of a role, or that of the template if none is set.",
		Args:              exactly(1),
		ValidArgsFunction: completeRoles(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				w, err := env.findWeight(ctx, s, args[0])
				if err != nil {
					return err
				}
				if o.json() {
					return writeJSON(cmd.OutOrStdout(), w)
				}
				fmt.Fprintln(cmd.OutOrStdout(), decimal(w.Weight))
				if !w.Set {
					fmt.Fprintf(cmd.ErrOrStderr(), "no weight is set for %s; this is that of the template\n", w.Role)
				}
				return nil
			})
		},
	}
	o.register(cmd)
	return cmd
}

// findWeight returns the weight that was set for a role, or that of the template.
func (env *Env) findWeight(ctx context.Context, s *storage.Storage, role string) (weightJSON, error) {
	weights, err := s.CKEWeights(ctx)
	if err != nil {
		return weightJSON{}, malformedWeights(err)
	}
	if w, set := weights[role]; set {
		return weightJSON{role, w, true}, nil
	}
	r, err := env.findRole(ctx, s, role)
	if err != nil {
		return weightJSON{}, err
	}
	w, err := strconv.ParseFloat(cmp.Or(r.Weight, "1"), 64)
	if err != nil {
		return weightJSON{}, fmt.Errorf("the template: weight %q of role %s is not a number", r.Weight, r.Name)
	}
	return weightJSON{r.Name, w, false}, nil
}

// decimal returns a weight without an exponent.
func decimal(weight float64) string { return strconv.FormatFloat(weight, 'f', -1, 64) }

func newCKEWeightSetCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "set ROLE WEIGHT",
		Short: "Set the weight of a role",
		Long: `Set the weight of a role. CKE divides the worker nodes among the roles in
proportion to their weights. A weight is a number above 0, of which CKE gets
six decimals. The next update gives it to CKE, or neco cke update does so now.`,
		Args:              exactly(2),
		ValidArgsFunction: completeRoles(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			weight, err := strconv.ParseFloat(args[1], 64)
			if err != nil {
				return hint(fmt.Errorf("weight %q is not a number", args[1]), "give a number above 0, like 18 or 0.5")
			}
			if err := cke.CheckWeight(weight); err != nil {
				return hint(err, "give a number above 0, like 18 or 0.5")
			}
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				role, err := env.findRole(ctx, s, args[0])
				if err != nil {
					return err
				}
				text := fmt.Sprintf("the weight of %s is set to %s", role.Name, decimal(weight))
				if err := s.SetCKEWeight(ctx, role.Name, weight, env.act(storage.KindConfig, "%s", text)); err != nil {
					return malformedWeights(err)
				}
				fmt.Fprintln(cmd.OutOrStdout(), text+afterWeight)
				return nil
			})
		},
	}
}

func newCKEWeightUnsetCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "unset ROLE",
		Short: "Remove the weight of a role, so that the template's applies",
		Long: `Remove the weight that was set for a role, even if the template has no such
role any more. The weight in the template applies again.`,
		Args:              exactly(1),
		ValidArgsFunction: completeRoles(env),
		RunE: func(cmd *cobra.Command, args []string) error {
			return env.request(cmd.Context(), func(ctx context.Context, s *storage.Storage) error {
				text := fmt.Sprintf("the weight of %s is unset", args[0])
				removed, err := s.UnsetCKEWeight(ctx, args[0], env.act(storage.KindConfig, "%s", text))
				switch {
				case err != nil:
					return malformedWeights(err)
				case removed:
					fmt.Fprintln(cmd.OutOrStdout(), text+afterWeight)
				default:
					fmt.Fprintf(cmd.OutOrStdout(), "the weight of %s was not set\n", args[0])
				}
				return nil
			})
		},
	}
}

// afterWeight is the last part of the message that confirms a changed weight.
const afterWeight = "; the next update gives it to CKE, or neco cke update does so now"

// findRole returns the role with this name in the template for the environment of the
// data centre. The error lists the existing roles.
func (env *Env) findRole(ctx context.Context, s *storage.Storage, name string) (cke.Role, error) {
	envName, err := envOf(ctx, s)
	if err != nil {
		return cke.Role{}, err
	}
	roles, err := cke.ReadRoles(env.FS, envName)
	if err != nil {
		return cke.Role{}, err
	}
	return cke.FindRole(roles, name)
}

// completeRoles completes the first argument with the roles of the template. It needs
// no etcd, because the roles do not depend on the environment.
func completeRoles(env *Env) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var offers []cobra.Completion
		if roles, err := cke.ReadRoles(env.FS, ""); err == nil && len(args) == 0 {
			for _, r := range roles {
				offers = append(offers, r.Name)
			}
		}
		return offers, cobra.ShellCompDirectiveNoFileComp
	}
}
