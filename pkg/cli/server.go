package cli

import (
	"context"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
)

// thisServer returns this boot server as the package renewal describes it.
func thisServer(env *Env) (renewal.Server, error) {
	lrn, err := ownLRN(env)
	if err != nil {
		return renewal.Server{}, err
	}
	return renewal.This(env.FS, lrn, env.Now)
}

// signWithOperator renews a certificate of the server me with the permissions of an
// operator, for whom it logs in to Vault.
func signWithOperator(ctx context.Context, me renewal.Server, p pki.Profile) error {
	client, err := neco.VaultClient(me.Subject.LRN)
	if err != nil {
		return err
	}
	return me.Renew(ctx, client, p)
}
