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

// JoinPolicy returns the name of the policy that the join tokens for the boot server
// lrn have.
func JoinPolicy(lrn int) string { return fmt.Sprintf("join-%d", lrn) }

// joinRule is the text of the policy JoinPolicy. It permits only one request: to
// register a secret ID, which the joining server has generated, with the approle of
// that server.
const joinRule = `# Boot server %d may register the secret that it has made for itself.
path "%s/custom-secret-id" {
  capabilities = ["update"]
}
`

// JoinToken is a token of Vault that is valid for one request, with which a boot server
// registers its secret ID.
type JoinToken struct {
	// Secret is the token itself.
	Secret string
	// Accessor identifies the token without disclosing it.
	Accessor string
}

// String returns the accessor without the secret, so that the secret does not appear in
// logs.
func (t JoinToken) String() string { return "join token " + t.Accessor }

// NewJoinToken creates a token with which the boot server lrn can register one secret
// ID of its approle, once, within ttl. The approle must exist.
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

// Register registers secret, a secret ID, with the approle of the boot server lrn. It
// uses up the join token; c need not be logged in. If the token is invalid, expired or
// used, [Denied] returns true for the error.
func Register(ctx context.Context, c *api.Client, lrn int, token, secret string) error {
	joiner, err := vaultclient.Copy(c, "", token)
	if err != nil {
		return err
	}
	joiner.SetMaxRetries(0) // the caller finds out by a login whether Vault received it
	_, err = joiner.Logical().WriteWithContext(ctx, approlePath(lrn)+"/custom-secret-id", map[string]any{"secret_id": secret})
	if err != nil {
		return fmt.Errorf("register a secret of boot server %d: %w", lrn, plain(err))
	}
	return nil
}

// BadCredentials reports whether err means that Vault rejected a login because it does
// not know the credentials.
func BadCredentials(err error) bool {
	code := status(err)
	return code == http.StatusBadRequest || code == http.StatusForbidden
}

// plain returns err without the text of Vault's response if Vault has refused the
// request as bad or failed, because the text may repeat a secret from the request.
func plain(err error) error {
	if code := status(err); code == http.StatusBadRequest || code == http.StatusInternalServerError {
		return fmt.Errorf("vault refused with status %d", code)
	}
	return err
}

// RoleID returns the role ID of the approle of the boot server lrn. The role ID is not
// secret.
func RoleID(ctx context.Context, c *api.Client, lrn int) (string, error) {
	s, err := c.Logical().ReadWithContext(ctx, approlePath(lrn)+"/role-id")
	if err != nil {
		return "", fmt.Errorf("read the approle of boot server %d: %w", lrn, err)
	}
	return field(s, "role_id")
}

// RetireSecrets destroys every secret ID of the approle of the boot server lrn.
func RetireSecrets(ctx context.Context, c *api.Client, lrn int) error {
	if err := destroySecrets(ctx, c, approlePath(lrn)); err != nil {
		return fmt.Errorf("destroy the secrets of boot server %d: %w", lrn, err)
	}
	return nil
}

// TokenExists reports whether the token with this accessor is still valid. Vault
// deletes a used-up token shortly after its last use.
func TokenExists(ctx context.Context, c *api.Client, accessor string) (bool, error) {
	_, err := c.Auth().Token().LookupAccessorWithContext(ctx, accessor)
	if gone(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up token %s: %w", accessor, err)
	}
	return true, nil
}

// RevokeAccessor revokes the token with this accessor. It returns nil if the token is not
// valid any more.
func RevokeAccessor(ctx context.Context, c *api.Client, accessor string) error {
	if err := c.Auth().Token().RevokeAccessorWithContext(ctx, accessor); err != nil && !gone(err) {
		return fmt.Errorf("revoke token %s: %w", accessor, err)
	}
	return nil
}

// gone reports whether err means that Vault has no token with the given accessor. Vault
// uses the status 403 both for that and for a missing permission; only the texts
// differ.
func gone(err error) bool {
	res := (*api.ResponseError)(nil)
	if !errors.As(err, &res) {
		return false
	}
	invalid := slices.ContainsFunc(res.Errors, func(s string) bool { return strings.Contains(s, "invalid accessor") })
	return invalid || res.StatusCode == http.StatusNotFound
}

// DeleteJoinPolicy deletes the policies JoinPolicy and EnterPolicy of the boot server
// lrn. The server's join tokens lose all permissions.
func DeleteJoinPolicy(ctx context.Context, c *api.Client, lrn int) error {
	for _, name := range []string{JoinPolicy(lrn), EnterPolicy(lrn)} {
		if err := c.Sys().DeletePolicyWithContext(ctx, name); err != nil {
			return fmt.Errorf("delete policy %s: %w", name, err)
		}
	}
	return nil
}
