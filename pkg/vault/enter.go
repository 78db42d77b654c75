package vault

import (
	"context"
	"fmt"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/pki"
)

// EnterPolicy returns the name of a policy of the boot server lrn. It permits a joining
// server to create its own users in etcd.
func EnterPolicy(lrn int) string { return fmt.Sprintf("enter-%d", lrn) }

// enterUser is the user of etcd for which RoleEnter signs certificates. It may create
// other users.
const enterUser = "root"

// enterRole returns the configuration of the role RoleEnter. The role takes only the
// key from a certificate request, and applies its limits even if the requester's policy
// permits more.
func enterRole() map[string]any {
	return map[string]any{
		"ttl": operatorValidity, "max_ttl": operatorValidity, "not_before_duration": pki.BackDate.String(),
		"key_type": "ec", "key_bits": 256, "key_usage": []string{"DigitalSignature"},
		"server_flag": false, "client_flag": true,
		"allowed_domains": []string{enterUser}, "allow_bare_domains": true, "allow_localhost": false,
		"allow_ip_sans": false, "allow_wildcard_certificates": false, "cn_validations": []string{"hostname"},
		"use_csr_common_name": false, "use_csr_sans": false, "require_cn": true,
	}
}

// enterRule is the text of the policy EnterPolicy. It permits only certificates of
// enterUser. The boot server's own user of etcd has the same permissions in etcd.
const enterRule = `# Boot server %d may make its own users of etcd, when it has used its token.
path "%s/sign/%s" {
  capabilities       = ["update"]
  allowed_parameters = {
    "csr"                  = []
    "common_name"          = ["%s"]
    "exclude_cn_from_sans" = [true]
  }
  required_parameters = ["csr", "common_name", "exclude_cn_from_sans"]
}
`

// AllowEnter permits the boot server lrn to call [SignOperator]. The server, logged in
// by its approle, thus gets short-lived certificates with which it is the user root of
// etcd.
func AllowEnter(ctx context.Context, c *api.Client, lrn int) error {
	rule := fmt.Sprintf(enterRule, lrn, neco.CAEtcdClient, RoleEnter, enterUser)
	if err := PutPolicies(ctx, c, map[string]string{EnterPolicy(lrn): rule}); err != nil {
		return err
	}
	_, err := c.Logical().WriteWithContext(ctx, approlePath(lrn)+"/policies", map[string]any{
		"token_policies": []string{BootRole(lrn), EnterPolicy(lrn)},
	})
	if err != nil {
		return fmt.Errorf("write the policies of the approle of boot server %d: %w", lrn, err)
	}
	return nil
}
