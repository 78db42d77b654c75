package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/vault/api"
)

// NewKey is an unseal key that Vault has generated. Vault does not use it before
// Commit.
type NewKey struct {
	Key string
	// nonce identifies the rekey operation in which Vault generated the key.
	nonce string
}

// String returns a text without the key, so that the key does not appear in logs.
func (NewKey) String() string { return "a new unseal key" }

// BeginRekey makes Vault generate a new unseal key and returns that key. key is the
// current unseal key, which Vault uses until Commit; if it is not, BeginRekey returns
// ErrBadKey. It cancels an unfinished rekey operation.
func BeginRekey(ctx context.Context, c *api.Client, key string) (NewKey, error) {
	k, err := beginRekey(ctx, c, key)
	if err != nil {
		return NewKey{}, fmt.Errorf("rekey vault: %w", err)
	}
	return k, nil
}

func beginRekey(ctx context.Context, c *api.Client, key string) (NewKey, error) {
	if err := cancelRekey(ctx, c); err != nil {
		return NewKey{}, err
	}
	begun, err := c.Sys().RekeyInitWithContext(ctx, &api.RekeyInitRequest{
		SecretShares: 1, SecretThreshold: 1, RequireVerification: true,
	})
	if err != nil {
		return NewKey{}, hideKey(err)
	}
	done, err := c.Sys().RekeyUpdateWithContext(ctx, key, begun.Nonce)
	if err != nil {
		return NewKey{}, errors.Join(hideKey(err), cancelRekey(ctx, c))
	}
	if !done.Complete || len(done.KeysB64) != 1 || !done.VerificationRequired || done.VerificationNonce == "" {
		return NewKey{}, errors.Join(errors.New("vault wants more than one share of its key, or would not wait for it to be stored"), cancelRekey(ctx, c))
	}
	return NewKey{done.KeysB64[0], done.VerificationNonce}, nil
}

func cancelRekey(ctx context.Context, c *api.Client) error {
	s, err := c.Sys().RekeyStatusWithContext(ctx)
	if err != nil {
		return hideKey(err)
	}
	if !s.Started {
		return nil
	}
	return hideKey(c.Sys().RekeyCancelWithContextWithNonce(ctx, s.Nonce))
}

// Commit makes Vault use the new key instead of the current one. The caller must have
// stored the new key before. After an error, Vault may have applied only a part of the
// change; see [ResumeRekey].
func (k NewKey) Commit(ctx context.Context, c *api.Client) error {
	done, err := c.Sys().RekeyVerificationUpdateWithContext(ctx, k.Key, k.nonce)
	if err != nil {
		return fmt.Errorf("rekey vault: %w", hideKey(err))
	}
	if !done.Complete {
		return errors.New("rekey vault: it did not take its own new key")
	}
	return nil
}

// ResumeRekey commits key if a rekey operation of Vault still waits for that key, and
// reports whether it did. Such an operation remains if etcd has stored only a part of
// the writes of an earlier Commit. Only ResumeRekey makes Vault use a single key again
// in that case.
func ResumeRekey(ctx context.Context, c *api.Client, key string) (done bool, err error) {
	s, err := c.Sys().RekeyStatusWithContext(ctx)
	if err != nil {
		return false, fmt.Errorf("query vault's rekey operation: %w", hideKey(err))
	}
	if !s.Started || s.VerificationNonce == "" {
		return false, nil
	}
	err = NewKey{key, s.VerificationNonce}.Commit(ctx, c)
	if errors.Is(err, ErrBadKey) || errors.Is(err, errNotAwaited) {
		return false, nil
	}
	return err == nil, err
}

// KeyInUse reports whether key is the unseal key of Vault. It returns ErrTorn if a
// rekey operation has stopped half-way. It cancels an unfinished rekey operation.
func KeyInUse(ctx context.Context, c *api.Client, key string) (bool, error) {
	_, err := beginRekey(ctx, c, key)
	if errors.Is(err, ErrBadKey) {
		return false, nil
	}
	if err == nil {
		err = cancelRekey(ctx, c)
	}
	if err != nil {
		return false, fmt.Errorf("try an unseal key: %w", err)
	}
	return true, nil
}

// Rotate makes Vault generate a new internal encryption key for everything that it
// writes from then on.
func Rotate(ctx context.Context, c *api.Client) error {
	if err := c.Sys().RotateWithContext(ctx); err != nil {
		return fmt.Errorf("rotate the encryption key of vault: %w", err)
	}
	return nil
}

// UnsealAny unseals the Vault of c, as [Unseal] does, with the first key in keys that
// is right. It returns ErrBadKey if no key is right. During a rekey operation there are
// two possible keys.
func UnsealAny(ctx context.Context, c *api.Client, keys []string) (opened bool, err error) {
	err = ErrBadKey
	for _, key := range keys {
		opened, err = Unseal(ctx, c, key)
		if !errors.Is(err, ErrBadKey) {
			return opened, err
		}
	}
	return opened, err
}
