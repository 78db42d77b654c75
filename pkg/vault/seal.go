package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/internal/vaultclient"
)

// These errors are the reasons for which a Vault does not serve requests.
var (
	ErrSealed        = errors.New("vault is sealed")
	ErrUninitialized = errors.New("vault is not initialised")
	ErrNoLeader      = errors.New("vault has no active node")
	// ErrHalfSealed reports that Vault's storage is sealed, although Vault reports that
	// it is unsealed. This happens if etcd does not answer while Vault becomes the
	// active node. Such a Vault serves no request and cannot be unsealed; it must be
	// restarted.
	ErrHalfSealed = errors.New("vault has sealed its storage while it became the active node, and has to be restarted")
	// ErrBadKey reports that the given unseal key is not the unseal key of this Vault.
	ErrBadKey = errors.New("the unseal key is not this vault's")
)

// Serves returns nil if the Vault of c is unsealed and has an active node that
// responds. Otherwise it returns ErrSealed, ErrUninitialized, ErrNoLeader,
// ErrHalfSealed, or the error of the request. c need not be logged in.
func Serves(ctx context.Context, c *api.Client) error {
	s, err := c.Sys().SealStatusWithContext(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("query vault's seal status: %w", err)
	case !s.Initialized:
		return ErrUninitialized
	case s.Sealed:
		return ErrSealed
	case halfSealed(s):
		return ErrHalfSealed
	}
	leader, err := c.Sys().LeaderWithContext(ctx)
	if err != nil {
		return fmt.Errorf("query vault's active node: %w", err)
	}
	if leader.IsSelf {
		return nil
	}
	if leader.LeaderAddress == "" {
		return ErrNoLeader
	}
	other, err := vaultclient.Copy(c, leader.LeaderAddress, "")
	if err != nil {
		return err
	}
	there, err := other.Sys().LeaderWithContext(ctx)
	if err != nil {
		return fmt.Errorf("query the active node at %s: %w", leader.LeaderAddress, err)
	}
	if !there.IsSelf {
		return fmt.Errorf("%w: the node at %s is a standby now", ErrNoLeader, leader.LeaderAddress)
	}
	return nil
}

// halfSealed reports whether s is the status of a Vault in the state of ErrHalfSealed.
// Such a Vault cannot decrypt its storage: it reports the name of its cluster, which is
// stored unencrypted, but not the ID of the cluster, which is encrypted.
func halfSealed(s *api.SealStatusResponse) bool {
	return !s.Sealed && s.ClusterName != "" && s.ClusterID == ""
}

// HalfSealed reports whether the Vault of c is in the state of ErrHalfSealed. The
// result may also be true if etcd fails during the request. c need not be logged in.
func HalfSealed(ctx context.Context, c *api.Client) (bool, error) {
	s, err := c.Sys().SealStatusWithContext(ctx)
	if err != nil {
		return false, fmt.Errorf("query vault's seal status: %w", err)
	}
	return halfSealed(s), nil
}

// Active reports whether the Vault of c is the active node.
func Active(ctx context.Context, c *api.Client) (bool, error) {
	leader, err := c.Sys().LeaderWithContext(ctx)
	if err != nil {
		return false, fmt.Errorf("query vault's active node: %w", err)
	}
	return leader.IsSelf, nil
}

// Initialize initialises Vault with one unseal key. The caller must store the results:
// no other copy of the key and of the token exists.
func Initialize(ctx context.Context, c *api.Client) (unsealKey, rootToken string, err error) {
	res, err := c.Sys().InitWithContext(ctx, &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		return "", "", fmt.Errorf("initialise vault: %w", err)
	}
	if len(res.KeysB64) != 1 || res.RootToken == "" {
		return "", "", fmt.Errorf("initialise vault: it answered with %d keys", len(res.KeysB64))
	}
	return res.KeysB64[0], res.RootToken, nil
}

// Unseal unseals the Vault of c with key. opened is false if it was unsealed already.
// Unseal returns ErrBadKey for a wrong key, ErrUninitialized if Vault has no key yet,
// and ErrHalfSealed if it must be restarted first.
func Unseal(ctx context.Context, c *api.Client, key string) (opened bool, err error) {
	s, err := c.Sys().SealStatusWithContext(ctx)
	switch {
	case err != nil:
		return false, fmt.Errorf("query vault's seal status: %w", err)
	case !s.Initialized:
		return false, ErrUninitialized
	case halfSealed(s):
		return false, ErrHalfSealed
	case !s.Sealed:
		return false, nil
	}
	s, err = c.Sys().UnsealWithContext(ctx, key)
	if err != nil {
		return false, fmt.Errorf("unseal: %w", hideKey(err))
	}
	if s.Sealed {
		return false, fmt.Errorf("unseal: %w still, after one of %d shares", ErrSealed, s.T)
	}
	return true, nil
}
