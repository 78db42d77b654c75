package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/internal/vaultclient"
)

// Reasons for which a Vault does not serve requests.
var (
	ErrSealed        = errors.New("vault is sealed")
	ErrUninitialized = errors.New("vault is not initialised")
	ErrNoLeader      = errors.New("vault has no active node")
	// ErrHalfSealed: Vault reports that it is unsealed, but its storage is sealed. It
	// gets there if etcd does not answer while it becomes the active node, and stays
	// there until it is restarted: it serves no request and cannot be unsealed.
	ErrHalfSealed = errors.New("vault has sealed its storage while it became the active node, and has to be restarted")
	// ErrBadKey: the unseal key belongs to another Vault.
	ErrBadKey = errors.New("the unseal key is not this vault's")
)

// Serves returns nil if the Vault of c is unsealed and has an active node that responds,
// and otherwise one of the errors above. It needs no token.
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

// halfSealed reports whether s is the status of ErrHalfSealed. Vault reports its
// cluster's name, which is stored in clear text, without the ID, which is encrypted, if
// it cannot decrypt its storage.
func halfSealed(s *api.SealStatusResponse) bool {
	return !s.Sealed && s.ClusterName != "" && s.ClusterID == ""
}

// HalfSealed reports whether the Vault of c is in the state of ErrHalfSealed. It needs no
// token. It may return true, too, if etcd fails during the request.
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

// Initialize initialises Vault with one unseal key. The results are the only copies of the
// key and the token.
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

// Unseal unseals the Vault of c, if it is sealed, and reports whether it was. It returns
// ErrHalfSealed if only a restart can help.
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
