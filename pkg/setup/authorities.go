package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

// authoritiesFile is the file in which the leader keeps the CAs with their keys until
// they are in Vault. It is encrypted with a key that is derived from the setup token.
var authoritiesFile = path.Join(Dir, "authorities.sealed")

// makeAuthorities creates the three CAs, or loads those that an earlier attempt
// created. After the stage reissue it creates none: if authoritiesFile is absent then,
// the stage forget has removed it.
func makeAuthorities(_ context.Context, r *run) error {
	err := r.loadAuthorities()
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if r.past(stageReissue) {
		return nil
	}
	made := map[pki.Authority]pki.CA{}
	for _, a := range pki.Authorities() {
		if made[a], err = pki.NewCA(a, r.Now()); err != nil {
			return err
		}
	}
	plain, err := pki.MarshalCAs(made)
	if err != nil {
		return err
	}
	key, err := r.token.Key(labelAuthorities)
	if err != nil {
		return err
	}
	sealed, err := seal(key, plain)
	if err != nil {
		return err
	}
	if _, err := r.FS.Write(host.File{Path: authoritiesFile, Data: sealed, Mode: 0o600}); err != nil {
		return err
	}
	r.change(func(s *state) { s.authorities = made })
	return nil
}

// labelAuthorities is the label with which the key for authoritiesFile is derived from
// the setup token.
const labelAuthorities = "authorities at rest"

func (r *run) loadAuthorities() error {
	sealed, err := r.FS.Read(authoritiesFile)
	if err != nil {
		return err
	}
	key, err := r.token.Key(labelAuthorities)
	if err != nil {
		return err
	}
	plain, err := unseal(key, sealed)
	if err != nil {
		return fmt.Errorf("%s: %w; is it the token of the first attempt?", authoritiesFile, err)
	}
	all, err := pki.ParseCAs(plain)
	if err != nil {
		return fmt.Errorf("%s: %w", authoritiesFile, err)
	}
	r.change(func(s *state) { s.authorities = all })
	return nil
}

// forgetAuthorities removes the file with the CAs from the leader's disk, because Vault
// has them now. If there are recovery recipients, it first stores the CAs in etcd,
// encrypted to these recipients.
func forgetAuthorities(ctx context.Context, r *run) error {
	now := r.state()
	if len(r.Recovery) > 0 && len(now.authorities) > 0 {
		plain, err := pki.MarshalCAs(now.authorities)
		if err != nil {
			return err
		}
		sealed, err := hostkey.Seal(plain, r.Recovery)
		if err != nil {
			return err
		}
		if _, err := now.etcd.Put(ctx, vaultkey.KeyAuthority, sealed); err != nil {
			return fmt.Errorf("write %s: %w", vaultkey.KeyAuthority, err)
		}
	}
	if err := r.FS.Remove(authoritiesFile); err != nil {
		return err
	}
	r.change(func(s *state) { s.authorities = nil })
	return nil
}
