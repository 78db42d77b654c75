package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/internal/vaultclient"
)

// JoinPolicy is the name of the policy of join tokens for a boot server.
func JoinPolicy(lrn int) string { return fmt.Sprintf("join-%d", lrn) }

// joinRule lets a join token give its boot server's approle one secret that the
// joiner has made, and nothing else.
const joinRule = `# Boot server %d may register the secret that it has made for itself.
path "%s/custom-secret-id" {
  capabilities = ["update"]
}
`

// JoinToken is a token of Vault that is good for one request.
type JoinToken struct {
	// Secret is the token itself.
	Secret string
	// Accessor names it without giving it away.
	Accessor string
}

// String keeps the secret out of logs.
func (t JoinToken) String() string { return "join token " + t.Accessor }

// NewJoinToken makes a token with which the boot server lrn can register one
// secret of its approle, once, within ttl.  The approle has to be there.
func NewJoinToken(ctx context.Context, c *api.Client, lrn int, ttl time.Duration) (JoinToken, error) {
	fail := func(err error) (JoinToken, error) {
		return JoinToken{}, fmt.Errorf("make a join token for boot server %d: %w", lrn, err)
	}
	policy := fmt.Sprintf(joinRule, lrn, approlePath(lrn))
	if err := PutPolicies(ctx, c, map[string]string{JoinPolicy(lrn): policy}); err != nil {
		return fail(err)
	}
	renewable := false
	s, err := c.Auth().Token().CreateOrphanWithContext(ctx, &api.TokenCreateRequest{
		Policies: []string{JoinPolicy(lrn)}, NoDefaultPolicy: true, NumUses: 1, Renewable: &renewable,
		TTL: ttl.String(), ExplicitMaxTTL: ttl.String(), DisplayName: JoinPolicy(lrn), Type: "service",
	})
	if err != nil {
		return fail(err)
	}
	if s == nil || s.Auth == nil || s.Auth.ClientToken == "" || s.Auth.Accessor == "" {
		return fail(fmt.Errorf("vault answered without a token"))
	}
	return JoinToken{s.Auth.ClientToken, s.Auth.Accessor}, nil
}

// Register gives the approle of a boot server a secret, with the one use of a
// join token; c need not be logged in.  Denied says that the token is not, or
// not any more, good for that.
func Register(ctx context.Context, c *api.Client, lrn int, token, secret string) error {
	joiner, err := vaultclient.Copy(c, "", token)
	if err != nil {
		return err
	}
	joiner.SetMaxRetries(0) // whether it was heard is found out by logging in
	_, err = joiner.Logical().WriteWithContext(ctx, approlePath(lrn)+"/custom-secret-id", map[string]any{"secret_id": secret})
	if err != nil {
		return fmt.Errorf("register a secret of boot server %d: %w", lrn, plain(err))
	}
	return nil
}

// BadCredentials says that a login failed because Vault does not know who it is.
func BadCredentials(err error) bool {
	code := status(err)
	return code == http.StatusBadRequest || code == http.StatusForbidden
}

// plain keeps what Vault says of a bad request, which may repeat it, to itself.
func plain(err error) error {
	if code := status(err); code == http.StatusBadRequest || code == http.StatusInternalServerError {
		return fmt.Errorf("vault refused with status %d", code)
	}
	return err
}

// RoleID returns the public half of what the boot server lrn logs in with.
func RoleID(ctx context.Context, c *api.Client, lrn int) (string, error) {
	s, err := c.Logical().ReadWithContext(ctx, approlePath(lrn)+"/role-id")
	if err != nil {
		return "", fmt.Errorf("read the approle of boot server %d: %w", lrn, err)
	}
	return field(s, "role_id")
}

// RetireSecrets destroys every secret of the boot server's approle.
func RetireSecrets(ctx context.Context, c *api.Client, lrn int) error {
	if err := destroySecrets(ctx, c, approlePath(lrn)); err != nil {
		return fmt.Errorf("destroy the secrets of boot server %d: %w", lrn, err)
	}
	return nil
}

// TokenLives says whether Vault knows the token of that accessor.  One that was
// used up is forgotten a moment after.
func TokenLives(ctx context.Context, c *api.Client, accessor string) (bool, error) {
	_, err := c.Auth().Token().LookupAccessorWithContext(ctx, accessor)
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up token %s: %w", accessor, err)
	}
	return true, nil
}

// RevokeAccessor ends the token of that accessor.  One that has ended already
// is no error.
func RevokeAccessor(ctx context.Context, c *api.Client, accessor string) error {
	if err := c.Auth().Token().RevokeAccessorWithContext(ctx, accessor); err != nil && !gone(err) {
		return fmt.Errorf("revoke token %s: %w", accessor, err)
	}
	return nil
}

// gone says that Vault knows no such accessor.  Vault answers with 403 where one
// has ended and where the right is missing; only the words differ.
func gone(err error) bool {
	res := (*api.ResponseError)(nil)
	if !errors.As(err, &res) {
		return false
	}
	invalid := slices.ContainsFunc(res.Errors, func(s string) bool { return strings.Contains(s, "invalid accessor") })
	return invalid || res.StatusCode == http.StatusNotFound
}

// DeleteJoinPolicy makes the join tokens of a boot server worthless.
func DeleteJoinPolicy(ctx context.Context, c *api.Client, lrn int) error {
	for _, name := range []string{JoinPolicy(lrn), EnterPolicy(lrn)} {
		if err := c.Sys().DeletePolicyWithContext(ctx, name); err != nil {
			return fmt.Errorf("delete policy %s: %w", name, err)
		}
	}
	return nil
}
