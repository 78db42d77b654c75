package vault

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
)

// AuditDevice is the name of the audit device.
const AuditDevice = "stdout"

// Userpass and AppRole are auth methods. Each of them is mounted at a path with its own
// name.
const (
	Userpass = "userpass"
	AppRole  = "approle"
)

// EnableAudit makes Vault log every request to its standard output, which systemd
// writes to the journal.
func EnableAudit(ctx context.Context, c *api.Client) error {
	devices, err := c.Sys().ListAuditWithContext(ctx)
	if err != nil {
		return fmt.Errorf("list audit devices: %w", err)
	}
	if _, ok := devices[AuditDevice+"/"]; ok {
		return nil
	}
	err = c.Sys().EnableAuditWithOptionsWithContext(ctx, AuditDevice, &api.EnableAuditOptions{
		Type: "file", Options: map[string]string{"file_path": "stdout"},
	})
	if err != nil {
		return fmt.Errorf("enable audit device %s: %w", AuditDevice, err)
	}
	return nil
}

// EnableLogin mounts the auth methods Userpass and AppRole. It disables the lockout of
// AppRole, with which anybody who has a role ID could lock a boot server out.
func EnableLogin(ctx context.Context, c *api.Client) error {
	mounts, err := c.Sys().ListAuthWithContext(ctx)
	if err != nil {
		return fmt.Errorf("list auth methods: %w", err)
	}
	for name, conf := range map[string]api.AuthConfigInput{
		AppRole:  {},
		Userpass: {DefaultLeaseTTL: "2h", MaxLeaseTTL: "24h"},
	} {
		if _, ok := mounts[name+"/"]; ok {
			continue
		}
		if err := c.Sys().EnableAuthWithOptionsWithContext(ctx, name, &api.EnableAuthOptions{Type: name, Config: conf}); err != nil {
			return fmt.Errorf("enable auth method %s: %w", name, err)
		}
	}
	// The secret IDs of boot servers cannot be guessed, but anybody who has a role ID,
	// which is not secret, could lock a boot server out.
	off := true
	err = c.Sys().TuneMountAllowNilWithContext(ctx, "auth/"+AppRole, api.TuneMountConfigInput{
		UserLockoutConfig: &api.TuneUserLockoutConfigInput{DisableLockout: &off},
	})
	if err != nil {
		return fmt.Errorf("tune auth method %s: %w", AppRole, err)
	}
	return nil
}

// MountCAs mounts a PKI secrets engine for each CA that has none.
func MountCAs(ctx context.Context, c *api.Client) error {
	mounts, err := c.Sys().ListMountsWithContext(ctx)
	if err != nil {
		return fmt.Errorf("list mounts: %w", err)
	}
	for _, name := range []string{neco.CAServer, neco.CAEtcdPeer, neco.CAEtcdClient} {
		if _, ok := mounts[name+"/"]; ok {
			continue
		}
		err := c.Sys().MountWithContext(ctx, name, &api.MountInput{
			Type: "pki", Config: api.MountConfigInput{DefaultLeaseTTL: neco.TTL10Year, MaxLeaseTTL: neco.TTL100Year},
		})
		if err != nil {
			return fmt.Errorf("mount %s: %w", name, err)
		}
	}
	return nil
}

// ImportCA imports certPEM and keyPEM, the certificate and key of a CA in PEM, into the
// CA at mount. It does nothing if the CA at mount already has this certificate, and
// fails if that CA has another certificate.
func ImportCA(ctx context.Context, c *api.Client, mount string, certPEM, keyPEM []byte) error {
	have, err := CA(ctx, c, mount)
	if err != nil {
		return err
	}
	if strings.TrimSpace(string(have)) == strings.TrimSpace(string(certPEM)) {
		return nil
	}
	if len(have) > 0 {
		return fmt.Errorf("import the CA of %s: it has another certificate", mount)
	}
	bundle := string(certPEM) + string(keyPEM)
	if _, err := c.Logical().WriteWithContext(ctx, mount+"/config/ca", map[string]any{"pem_bundle": bundle}); err != nil {
		return fmt.Errorf("import the CA of %s: %w", mount, err)
	}
	return nil
}

// CA returns the certificate of the CA at mount, in PEM, or nil if that CA has no
// certificate. c need not be logged in.
func CA(ctx context.Context, c *api.Client, mount string) ([]byte, error) {
	res, err := c.Logical().ReadRawWithContext(ctx, mount+"/ca/pem")
	if res == nil {
		return nil, fmt.Errorf("read the certificate of %s: %w", mount, err)
	}
	defer res.Body.Close()
	if res.StatusCode == 404 || res.StatusCode == 204 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the certificate of %s: %w", mount, err)
	}
	return readAll(res)
}

// PutRole creates or replaces a role of the CA at mount.
func PutRole(ctx context.Context, c *api.Client, mount, name string, role map[string]any) error {
	if _, err := c.Logical().WriteWithContext(ctx, mount+"/roles/"+name, role); err != nil {
		return fmt.Errorf("write role %s of %s: %w", name, mount, err)
	}
	return nil
}

// PutPolicies creates or replaces policies. The keys of the map are their names.
func PutPolicies(ctx context.Context, c *api.Client, policies map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(policies)) {
		if err := c.Sys().PutPolicyWithContext(ctx, name, policies[name]); err != nil {
			return fmt.Errorf("write policy %s: %w", name, err)
		}
	}
	return nil
}
