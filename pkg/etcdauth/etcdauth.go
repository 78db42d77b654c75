// Package etcdauth owns who may read and write what in the etcd of the boot
// servers: roles, users, and that authentication is on.
//
// A user is authenticated by the common name of its certificate; passwords are
// set to something random and forgotten.  Everything here is idempotent.  The
// package must not know where certificates come from.
package etcdauth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
)

// Root is the role, and the user, that etcd asks for: it may do everything.
const Root = "root"

// User is a user with its one role.
type User struct{ Name, Role string }

// Roles maps each role but root to the prefix of its keys.
func Roles() map[string]string {
	return map[string]string{
		"vault":      neco.VaultPrefix,
		"sabakan":    neco.SabakanPrefix,
		"cke":        neco.CKEPrefix,
		"etcdpasswd": neco.EtcdpasswdPrefix,
	}
}

// ClusterUsers are those that every cluster has.  The plain names are what the
// certificates of the original's servers carry.
func ClusterUsers() []User {
	return []User{{Root, Root}, {"backup", Root}, {"neco", Root}, {"vault", "vault"}}
}

// ServerUsers are those of one boot server.
func ServerUsers(lrn int) []User {
	return []User{{Name("neco", lrn), Root}, {Name("backup", lrn), Root}, {Name("vault", lrn), "vault"}}
}

// Applications lists the programs that get a user by neco init.
func Applications() []string { return []string{"cke", "etcdpasswd", "sabakan"} }

// Name is the user of a program on a boot server.
func Name(program string, lrn int) string { return fmt.Sprintf("%s-%d", program, lrn) }

// EnsureRole makes a role of [Roles].
func EnsureRole(ctx context.Context, c clientv3.Auth, role string) error {
	prefix, ok := Roles()[role]
	if !ok {
		return fmt.Errorf("make role %s: no such role is known", role)
	}
	if _, err := c.RoleAdd(ctx, role); err != nil && !errors.Is(err, rpctypes.ErrRoleAlreadyExist) {
		return fmt.Errorf("make role %s: %w", role, err)
	}
	perm := clientv3.PermissionType(clientv3.PermReadWrite)
	if _, err := c.RoleGrantPermission(ctx, role, prefix, clientv3.GetPrefixRangeEnd(prefix), perm); err != nil {
		return fmt.Errorf("grant %s to role %s: %w", prefix, role, err)
	}
	return nil
}

// EnsureUser makes a user and gives it its role, which is made, too, and
// reports whether the user is new.
func EnsureUser(ctx context.Context, c clientv3.Auth, u User) (added bool, err error) {
	if u.Role != Root {
		if err := EnsureRole(ctx, c, u.Role); err != nil {
			return false, err
		}
	} else if _, err := c.RoleAdd(ctx, Root); err != nil && !errors.Is(err, rpctypes.ErrRoleAlreadyExist) {
		return false, fmt.Errorf("make role %s: %w", Root, err)
	}
	_, err = c.UserAdd(ctx, u.Name, rand.Text())
	if err != nil && !errors.Is(err, rpctypes.ErrUserAlreadyExist) {
		return false, fmt.Errorf("make user %s: %w", u.Name, err)
	}
	added = err == nil
	if _, err := c.UserGrantRole(ctx, u.Name, u.Role); err != nil {
		return added, fmt.Errorf("give user %s the role %s: %w", u.Name, u.Role, err)
	}
	return added, nil
}

// Enable turns authentication on: afterwards nobody is heard who is not a user.
func Enable(ctx context.Context, c clientv3.Auth) error {
	if _, err := c.AuthEnable(ctx); err != nil {
		return fmt.Errorf("turn the authentication of etcd on: %w", err)
	}
	return nil
}

// Enabled says whether authentication is on.
func Enabled(ctx context.Context, c clientv3.Auth) (bool, error) {
	res, err := c.AuthStatus(ctx)
	if err != nil {
		return false, fmt.Errorf("ask etcd for its authentication: %w", err)
	}
	return res.Enabled, nil
}

// DeleteServer deletes every user of a boot server.  Requests of its
// certificates are refused from then on; what it watches already ends when
// the connection does.
func DeleteServer(ctx context.Context, c clientv3.Auth, lrn int) error {
	users := ServerUsers(lrn)
	for _, app := range Applications() {
		users = append(users, User{Name: Name(app, lrn)})
	}
	for _, u := range users {
		if _, err := c.UserDelete(ctx, u.Name); err != nil && !errors.Is(err, rpctypes.ErrUserNotFound) {
			return fmt.Errorf("delete user %s: %w", u.Name, err)
		}
	}
	return nil
}

// Has says whether there is a user of that name.
func Has(ctx context.Context, c clientv3.Auth, name string) (bool, error) {
	res, err := c.UserList(ctx)
	if err != nil {
		return false, fmt.Errorf("list users: %w", err)
	}
	return slices.Contains(res.Users, name), nil
}
