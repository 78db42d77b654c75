// Package etcdauth owns the access control of the boot servers' etcd: roles, users and
// whether authentication is enabled.
//
// A user is authenticated by the common name of its certificate; its password is random
// and not stored.  All functions are idempotent.  The package must not know where
// certificates come from.
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

// Root is the name of the role and of the user with all permissions, which etcd requires
// for authentication.
const Root = "root"

// User is a user of etcd with its only role.
type User struct{ Name, Role string }

// Role returns the role of a program that is a user of etcd.
func Role(p program.Program) string {
	if p.User.Prefix == "" {
		return Root
	}
	return p.Name
}

// prefixOf returns the prefix of the keys that a role can read and write; ok is false if
// the role is unknown.
func prefixOf(role string) (prefix string, ok bool) {
	for _, p := range program.Users() {
		if p.Name == role && p.User.Prefix != "" {
			return p.User.Prefix, true
		}
	}
	return "", false
}

// ClusterUsers returns the users that do not belong to one boot server: root, and for
// each program a user with its plain name, which the certificates of the original Neco
// contain.
func ClusterUsers() []User {
	users := []User{{Root, Root}}
	for _, p := range program.Users() {
		if p.Prepared == nil {
			users = append(users, User{p.Name, Role(p)})
		}
	}
	return users
}

// ServerUsers returns the users that every boot server has, for the boot server lrn.
func ServerUsers(lrn int) []User {
	var users []User
	for _, p := range program.Users() {
		if p.Prepared == nil {
			users = append(users, User{Name(p.Name, lrn), Role(p)})
		}
	}
	return users
}

// UsersOf returns the users of a program that operators add: one for each of the boot
// servers lrns, and one with the plain name, as in ClusterUsers.
func UsersOf(p program.Program, lrns ...int) []User {
	users := []User{{p.Name, Role(p)}}
	for _, lrn := range lrns {
		users = append(users, User{Name(p.Name, lrn), Role(p)})
	}
	return users
}

// Name returns the user name of a program on the boot server lrn.
func Name(program string, lrn int) string { return fmt.Sprintf("%s-%d", program, lrn) }

// EnsureRole creates the role of a program with its permissions, if they are missing.
func EnsureRole(ctx context.Context, c clientv3.Auth, role string) error {
	prefix, ok := prefixOf(role)
	if !ok {
		return fmt.Errorf("make role %s: the role is unknown", role)
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

// EnsureUser creates a user and its role, if they are missing, and grants the role to the
// user.  added reports whether the user is new.
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

// Enable enables authentication: from then on etcd refuses requests of clients that are
// not users.
func Enable(ctx context.Context, c clientv3.Auth) error {
	if _, err := c.AuthEnable(ctx); err != nil {
		return fmt.Errorf("enable the authentication of etcd: %w", err)
	}
	return nil
}

// Enabled reports whether authentication is enabled.
func Enabled(ctx context.Context, c clientv3.Auth) (bool, error) {
	res, err := c.AuthStatus(ctx)
	if err != nil {
		return false, fmt.Errorf("query the authentication of etcd: %w", err)
	}
	return res.Enabled, nil
}

// DeleteServer deletes every user of a boot server.  From then on etcd refuses requests
// with the server's certificates; existing watches end with their connections.
func DeleteServer(ctx context.Context, c clientv3.Auth, lrn int) error {
	for _, p := range program.Users() {
		user := Name(p.Name, lrn)
		if _, err := c.UserDelete(ctx, user); err != nil && !errors.Is(err, rpctypes.ErrUserNotFound) {
			return fmt.Errorf("delete user %s: %w", user, err)
		}
	}
	return nil
}

// Has reports whether a user with that name exists.
func Has(ctx context.Context, c clientv3.Auth, name string) (bool, error) {
	res, err := c.UserList(ctx)
	if err != nil {
		return false, fmt.Errorf("list users: %w", err)
	}
	return slices.Contains(res.Users, name), nil
}
