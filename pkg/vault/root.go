package vault

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/hashicorp/vault/api"
)

// GenerateRoot returns a new root token of Vault, authorised by the unseal key. It
// cancels an unfinished attempt of another operator.
func GenerateRoot(ctx context.Context, c *api.Client, unsealKey string) (string, error) {
	token, err := generateRoot(ctx, c, unsealKey)
	if err != nil {
		return "", fmt.Errorf("generate a root token: %w", err)
	}
	return token, nil
}

func generateRoot(ctx context.Context, c *api.Client, unsealKey string) (string, error) {
	if err := c.Sys().GenerateRootCancelWithContext(ctx); err != nil {
		return "", err
	}
	begun, err := c.Sys().GenerateRootInitWithContext(ctx, "", "") // Vault generates the one-time pad
	if err != nil {
		return "", err
	}
	done, err := c.Sys().GenerateRootUpdateWithContext(ctx, unsealKey, begun.Nonce)
	if err != nil {
		return "", hideKey(err)
	}
	if !done.Complete {
		return "", errors.New("vault wants more than one share of its key")
	}
	sealed, err := base64.RawStdEncoding.DecodeString(done.EncodedToken)
	if err != nil || len(sealed) != len(begun.OTP) {
		return "", errors.New("vault's one-time pad does not fit its token")
	}
	for i := range sealed {
		sealed[i] ^= begun.OTP[i]
	}
	return string(sealed), nil
}
