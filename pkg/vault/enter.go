package vault

import (
	"context"
	"fmt"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco"
)

// EnterPolicy is the name of the policy with which a boot server that joins
// makes its own users of etcd.
func EnterPolicy(lrn int) string { return fmt.Sprintf("enter-%d", lrn) }

// enterRule gives no more power over etcd than the boot server's own user has.
const enterRule = `# Boot server %d may make its own users of etcd, when it has used its token.
path "%s/sign/%s" {
  capabilities       = ["update"]
  allowed_parameters = {
    "csr"                  = []
    "common_name"          = ["root"]
    "exclude_cn_from_sans" = [true]
    "ttl"                  = ["%s"]
  }
}
`

// AllowEnter lets the approle of a boot server have a certificate of etcd's root
// for a few minutes, see SignOperator.
func AllowEnter(ctx context.Context, c *api.Client, lrn int) error {
	rule := fmt.Sprintf(enterRule, lrn, neco.CAEtcdClient, RoleHuman, operatorLife)
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
