// Package etcdauth owns the access control of the boot servers' etcd: its roles and
// users, and whether authentication is enabled.
//
// A user is authenticated by the common name of its certificate; its password is random
// and not stored. All functions are idempotent. The package must not know where
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

// Root is the name both of the role and of the user that have all permissions. etcd
// requires this role and this user for authentication.
const Root = "root"

// User is a user of etcd. It has only the role Role.
type User struct{ Name, Role string }

// Role returns the role of the program p, which must be a user of etcd.
func Role(p program.Program) string {
	if p.User.Prefix == "" {
		return Root
	}
	return p.Name
}

// prefixOf returns the prefix of the keys that the role can read and write. ok is false
// if no program has the role.
func prefixOf(role string) (prefix string, ok bool) {
	for _, p := range program.Users() {
		if p.Name == role && p.User.Prefix != "" {
			return p.User.Prefix, true
		}
	}
	return "", false
}

// ClusterUsers returns the users that do not belong to one boot server: root and, for
// each program that every boot server runs, a user with the plain name of the program.
// The plain names are in the certificates of cybozu-go/neco, which this Neco replaces.
func ClusterUsers() []User {
	users := []User{{Root, Root}}
	for _, p := range program.Users() {
		if p.Prepared == nil {
			users = append(users, User{p.Name, Role(p)})
		}
	}
	return users
}

// ServerUsers returns the users of the boot server with the logical rack number (LRN)
// lrn, one for each program that every boot server runs.
func ServerUsers(lrn int) []User {
	var users []User
	for _, p := range program.Users() {
		if p.Prepared == nil {
			users = append(users, User{Name(p.Name, lrn), Role(p)})
		}
	}
	return users
}

// UsersOf returns the users of p, a program that operators set up on request: one for
// each of the boot servers lrns, and one with the plain name of the program, as in
// ClusterUsers.
func UsersOf(p program.Program, lrns ...int) []User {
	users := []User{{p.Name, Role(p)}}
	for _, lrn := range lrns {
		users = append(users, User{Name(p.Name, lrn), Role(p)})
	}
	return users
}

// Name returns the user name of a program on the boot server lrn.
func Name(program string, lrn int) string { return fmt.Sprintf("%s-%d", program, lrn) }

// EnsureRole creates the role of a program and grants its permissions, if the role or a
// permission is missing.
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

// EnsureUser creates the user u and its role, if they are missing, and grants the role
// to the user. added reports whether it has created the user.
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

// Enable enables authentication. From then on, etcd refuses a client that does not
// authenticate as one of its users.
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

// DeleteServer deletes all users of the boot server lrn. From then on, etcd refuses
// requests with the server's certificates. Watches that exist already end with their
// connections.
func DeleteServer(ctx context.Context, c clientv3.Auth, lrn int) error {
	for _, p := range program.Users() {
		user := Name(p.Name, lrn)
		if _, err := c.UserDelete(ctx, user); err != nil && !errors.Is(err, rpctypes.ErrUserNotFound) {
			return fmt.Errorf("delete user %s: %w", user, err)
		}
	}
	return nil
}

// Has reports whether etcd has a user called name.
func Has(ctx context.Context, c clientv3.Auth, name string) (bool, error) {
	res, err := c.UserList(ctx)
	if err != nil {
		return false, fmt.Errorf("list users: %w", err)
	}
	return slices.Contains(res.Users, name), nil
}
