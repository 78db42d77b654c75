package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/hashicorp/vault/api"
)

// maxPEM is the maximum number of bytes that are read of a certificate chain.
const maxPEM = 64 << 10

func readAll(res *api.Response) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(res.Body, maxPEM+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxPEM {
		return nil, fmt.Errorf("the answer of %s is larger than %d bytes", res.Request.URL.Path, maxPEM)
	}
	return data, nil
}

// Credentials are the role ID and the secret ID with which a program logs in to Vault.
type Credentials struct {
	RoleID   string `json:"role_id"`
	SecretID string `json:"secret_id"`
}

// String returns a text without the secret ID, so that the secret ID does not appear in
// logs.
func (c Credentials) String() string { return "approle credentials of " + c.RoleID }

// BootRole returns the name that both the approle and the policy of the boot server lrn
// have.
func BootRole(lrn int) string { return fmt.Sprintf("boot-%d", lrn) }

// bootTokenTTL and bootTokenMaxTTL are the lifetimes, initial and maximum, of the
// tokens of boot servers, in Vault's format. A boot server needs a token only while it
// requests certificates.
const (
	bootTokenTTL    = "10m"
	bootTokenMaxTTL = "1h"
)

// PutBootRole creates or replaces the approle of the boot server lrn.
func PutBootRole(ctx context.Context, c *api.Client, lrn int) error {
	_, err := c.Logical().WriteWithContext(ctx, approlePath(lrn), map[string]any{
		"token_policies": []string{BootRole(lrn)}, "token_no_default_policy": true,
		"token_ttl": bootTokenTTL, "token_max_ttl": bootTokenMaxTTL, "secret_id_ttl": "0", "secret_id_num_uses": 0,
	})
	if err != nil {
		return fmt.Errorf("write the approle of boot server %d: %w", lrn, err)
	}
	return nil
}

func approlePath(lrn int) string { return "auth/" + AppRole + "/role/" + BootRole(lrn) }

// DeleteBootRole deletes the approle and the policy of the boot server lrn. The
// server's credentials become invalid at once.
func DeleteBootRole(ctx context.Context, c *api.Client, lrn int) error {
	if _, err := c.Logical().DeleteWithContext(ctx, approlePath(lrn)); err != nil {
		return fmt.Errorf("delete the approle of boot server %d: %w", lrn, err)
	}
	if err := c.Sys().DeletePolicyWithContext(ctx, BootRole(lrn)); err != nil {
		return fmt.Errorf("delete the policy of boot server %d: %w", lrn, err)
	}
	return nil
}

// NewCredentials creates credentials of the boot server lrn. If retire is true, it
// first destroys all earlier credentials of that server.
func NewCredentials(ctx context.Context, c *api.Client, lrn int, retire bool) (Credentials, error) {
	role := approlePath(lrn)
	fail := func(err error) (Credentials, error) {
		return Credentials{}, fmt.Errorf("make credentials of boot server %d: %w", lrn, err)
	}
	if retire {
		if err := destroySecrets(ctx, c, role); err != nil {
			return fail(err)
		}
	}
	id, err := c.Logical().ReadWithContext(ctx, role+"/role-id")
	if err != nil {
		return fail(err)
	}
	roleID, err := field(id, "role_id")
	if err != nil {
		return fail(err)
	}
	secret, err := c.Logical().WriteWithContext(ctx, role+"/secret-id", nil)
	if err != nil {
		return fail(err)
	}
	secretID, err := field(secret, "secret_id")
	if err != nil {
		return fail(err)
	}
	return Credentials{RoleID: roleID, SecretID: secretID}, nil
}

func destroySecrets(ctx context.Context, c *api.Client, role string) error {
	exists, err := c.Logical().ReadWithContext(ctx, role)
	if err != nil || exists == nil {
		return err // nil if the role does not exist
	}
	list, err := c.Logical().ListWithContext(ctx, role+"/secret-id")
	if err != nil || list == nil {
		return err
	}
	accessors, _ := list.Data["keys"].([]any)
	for _, a := range accessors {
		_, err := c.Logical().WriteWithContext(ctx, role+"/secret-id-accessor/destroy", map[string]any{"secret_id_accessor": a})
		if err != nil {
			return err
		}
	}
	return nil
}

func field(s *api.Secret, name string) (string, error) {
	if s == nil {
		return "", errors.New("vault answered with nothing")
	}
	v, ok := s.Data[name].(string)
	if !ok || v == "" {
		return "", fmt.Errorf("vault answered without %s", name)
	}
	return v, nil
}

// Login logs the client c in with cred, the credentials of an approle.
func Login(ctx context.Context, c *api.Client, cred Credentials) error {
	s, err := c.Logical().WriteWithContext(ctx, "auth/"+AppRole+"/login", map[string]any{
		"role_id": cred.RoleID, "secret_id": cred.SecretID,
	})
	return takeToken(c, s, err)
}

// LoginUser logs the client c in with a user name and a password.
func LoginUser(ctx context.Context, c *api.Client, user, password string) error {
	s, err := c.Logical().WriteWithContext(ctx, "auth/"+Userpass+"/login/"+url.PathEscape(user), map[string]any{"password": password})
	return takeToken(c, s, err)
}

func takeToken(c *api.Client, s *api.Secret, err error) error {
	if err != nil {
		return fmt.Errorf("log in to vault: %w", err)
	}
	if s == nil || s.Auth == nil || s.Auth.ClientToken == "" {
		return errors.New("log in to vault: it answered without a token")
	}
	c.SetToken(s.Auth.ClientToken)
	return nil
}

// PutUser creates the user called name, or replaces its password and policies.
func PutUser(ctx context.Context, c *api.Client, name, password string, policies ...string) error {
	_, err := c.Logical().WriteWithContext(ctx, "auth/"+Userpass+"/users/"+url.PathEscape(name), map[string]any{
		"password": password, "token_policies": policies,
	})
	if err != nil {
		return fmt.Errorf("write the user %s of vault: %w", name, err)
	}
	return nil
}

// HasUser reports whether the user called name exists.
func HasUser(ctx context.Context, c *api.Client, name string) (bool, error) {
	s, err := c.Logical().ReadWithContext(ctx, "auth/"+Userpass+"/users/"+url.PathEscape(name))
	if err != nil {
		return false, fmt.Errorf("read the user %s of vault: %w", name, err)
	}
	return s != nil, nil
}

// Revoke revokes the token of c. It returns nil if the token is not valid any more.
func Revoke(ctx context.Context, c *api.Client) error {
	err := c.Auth().Token().RevokeSelfWithContext(ctx, "")
	if err != nil && status(err) != http.StatusForbidden {
		return fmt.Errorf("revoke the token: %w", err)
	}
	c.ClearToken()
	return nil
}

// TokenWorks reports whether the token of c is valid in this Vault.
func TokenWorks(ctx context.Context, c *api.Client) (bool, error) {
	_, err := c.Auth().Token().LookupSelfWithContext(ctx)
	if Denied(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up the token: %w", err)
	}
	return true, nil
}
