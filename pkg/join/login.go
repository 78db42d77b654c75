package join

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/vault/api"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/vault"
)

// logIn logs in to Vault as this server. Unless an earlier attempt has registered a
// secret ID of this server, logIn first registers one, with the token or with the
// operator's permissions.
func logIn(ctx context.Context, r *run) error {
	began := r.progress != nil
	if !began {
		r.progress = &progress{}
	}
	var err error
	if r.Token != nil {
		err = r.logInByToken(ctx)
	} else {
		err = r.logInByOperator(ctx)
	}
	if err != nil && !began {
		// After a refusal no state remains. As long as Vault may have registered
		// the secret, it must be kept.
		if refused(err) {
			return errors.Join(err, r.FS.RemoveDir(Dir))
		}
	}
	return err
}

func refused(err error) bool {
	return errors.Is(err, ErrTokenUsed) || errors.Is(err, ErrTokenExpired) || errors.Is(err, ErrVersion) || errors.Is(err, ErrRegistered)
}

func (r *run) logInByToken(ctx context.Context) error {
	c := vault.Credentials{RoleID: r.Token.RoleID, SecretID: r.progress.secretFor(*r.Token)}
	if err := r.progress.save(r.FS); err != nil { // before Vault registers the secret
		return err
	}
	err := vault.Login(ctx, r.vault, c)
	if vault.BadCredentials(err) { // no earlier attempt has registered the secret
		registered := vault.Register(ctx, r.vault, r.Self.LRN, r.Token.Secret, c.SecretID)
		// The login shows whether Vault has registered the secret.
		err = r.whyRefused(registered, vault.Login(ctx, r.vault, c))
	}
	if err != nil {
		return err
	}
	return r.server().PutCredentials(c)
}

// whyRefused returns the reason for which the login with the token failed, or nil if
// login is nil. registered is the error of registering the secret ID before the login,
// and login the error of the login itself.
func (r *run) whyRefused(registered, login error) error {
	switch {
	case login == nil:
		return nil
	case registered == nil, !vault.BadCredentials(login):
		return login
	case vault.Denied(registered) && !r.Now().Before(r.Token.Expires):
		return fmt.Errorf("%w: it was valid until %s", ErrTokenExpired, r.Token.Expires.Format(time.RFC3339))
	case vault.Denied(registered):
		return fmt.Errorf("%w: Vault rejects it: it was used, revoked, or replaced by a newer token", ErrTokenUsed)
	}
	return fmt.Errorf("%w: %w", ErrTokenUnsure, registered)
}

// logInByOperator creates the approle and a secret ID of this server with the
// operator's permissions, and logs in with them. They replace an approle and secret ID
// that were created for a token.
func (r *run) logInByOperator(ctx context.Context) error {
	if c, err := r.server().Login(ctx, r.addr); err == nil && r.sameAuthority() {
		r.vault = c
		return nil
	}
	operator, err := r.openOperator(ctx)
	if err != nil {
		return err
	}
	etcd, err := operatorEtcd(ctx, operator, r.LRNs, r.ca)
	if err != nil {
		return err
	}
	defer etcd.Close()
	i := Issuer{Etcd: etcd, Vault: operator, CA: r.ca, By: "neco join", Now: r.Now}
	version, err := i.version(ctx, r.Self.LRN)
	if err != nil {
		return err
	}
	if err := sameVersion(r.Version, version); err != nil {
		return err
	}
	if err := i.admit(ctx, r.Self); err != nil {
		return err
	}
	if err := r.progress.save(r.FS); err != nil {
		return err
	}
	c, err := vault.NewCredentials(ctx, operator, r.Self.LRN, true)
	if err != nil {
		return err
	}
	if err := r.server().PutCredentials(c); err != nil {
		return err
	}
	return vault.Login(ctx, r.vault, c)
}

// openOperator returns a client of the Vault at r.addr, logged in as an operator. If
// Vault rejects the operator's token, it returns ErrVaultToken.
func (r *run) openOperator(ctx context.Context) (*api.Client, error) {
	operator, err := r.open("")
	if err != nil {
		return nil, err
	}
	if err := r.Operator(operator); err != nil {
		return nil, err
	}
	works, err := vault.TokenWorks(ctx, operator)
	if err == nil && !works {
		err = ErrVaultToken
	}
	return operator, err
}

// operatorEtcd returns a client that connects to the etcd members on the boot servers
// lrns as the user root. Vault signs a certificate for it that is valid for minutes;
// its key is never stored.
func operatorEtcd(ctx context.Context, operator *api.Client, lrns []int, ca []byte) (*clientv3.Client, error) {
	key, err := pki.NewKey()
	if err != nil {
		return nil, err
	}
	cert, err := vault.SignOperator(ctx, operator, key)
	if err != nil {
		return nil, err
	}
	keyPEM, err := pki.MarshalKey(key)
	if err != nil {
		return nil, err
	}
	conf := neco.EtcdConfig{
		Endpoints: neco.EtcdEndpoints(lrns), Prefix: neco.NecoPrefix, Timeout: "2s",
		TLSCA: string(ca), TLSCert: string(cert), TLSKey: string(keyPEM),
	}
	return conf.Client()
}
