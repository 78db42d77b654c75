package cli

import (
	"context"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
)

// thisServer is this boot server as the owner of certificates.
func thisServer(env *Env) (renewal.Server, error) {
	lrn, err := ownLRN(env)
	if err != nil {
		return renewal.Server{}, err
	}
	return renewal.This(env.FS, lrn, env.Now)
}

// signWithOperator has a certificate signed with an operator's rights.
func signWithOperator(ctx context.Context, me renewal.Server, p pki.Purpose) error {
	client, err := neco.VaultClient(me.Subject.LRN)
	if err != nil {
		return err
	}
	return me.Renew(ctx, client, p)
}
