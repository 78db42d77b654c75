package cli

import (
	"context"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
)

// thisServer returns this boot server with its certificates.
func thisServer(env *Env) (renewal.Server, error) {
	lrn, err := ownLRN(env)
	if err != nil {
		return renewal.Server{}, err
	}
	return renewal.This(env.FS, lrn, env.Now)
}

// signWithOperator renews a certificate of the server me. It logs in to Vault as an
// operator.
func signWithOperator(ctx context.Context, me renewal.Server, p pki.Profile) error {
	client, err := neco.VaultClient(me.Subject.LRN)
	if err != nil {
		return err
	}
	return me.Renew(ctx, client, p)
}
