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

	"github.com/cybozu-go/neco/pkg/program"
)

// Root is the role, and the user, that etcd asks for: it may do everything.
const Root = "root"

// User is a user with its one role.
type User struct{ Name, Role string }

// Role is that of a program which is a user.
func Role(p program.Program) string {
	if p.User.Prefix == "" {
		return Root
	}
	return p.Name
}

// prefixOf returns the prefix of the keys of a role.
func prefixOf(role string) (prefix string, ok bool) {
	for _, p := range program.Users() {
		if p.Name == role && p.User.Prefix != "" {
			return p.User.Prefix, true
		}
	}
	return "", false
}

// ClusterUsers are those that every cluster has.  The plain names are what the
// certificates of the original's servers carry.
func ClusterUsers() []User {
	users := []User{{Root, Root}}
	for _, p := range program.Users() {
		if p.Prepared == nil {
			users = append(users, User{p.Name, Role(p)})
		}
	}
	return users
}

// ServerUsers are those that one boot server has, without being asked.
func ServerUsers(lrn int) []User {
	var users []User
	for _, p := range program.Users() {
		if p.Prepared == nil {
			users = append(users, User{Name(p.Name, lrn), Role(p)})
		}
	}
	return users
}

// UsersOf are the users of a program that operators add, on the boot servers lrns. The
// plain name is that of the original's servers.
func UsersOf(p program.Program, lrns ...int) []User {
	users := []User{{p.Name, Role(p)}}
	for _, lrn := range lrns {
		users = append(users, User{Name(p.Name, lrn), Role(p)})
	}
	return users
}

// Name is the user of a program on a boot server.
func Name(program string, lrn int) string { return fmt.Sprintf("%s-%d", program, lrn) }

// EnsureRole makes a role of [Roles].
func EnsureRole(ctx context.Context, c clientv3.Auth, role string) error {
	prefix, ok := prefixOf(role)
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
	for _, p := range program.Users() {
		user := Name(p.Name, lrn)
		if _, err := c.UserDelete(ctx, user); err != nil && !errors.Is(err, rpctypes.ErrUserNotFound) {
			return fmt.Errorf("delete user %s: %w", user, err)
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
