package etcdauth_test

import (
	"errors"
	"os"
	"slices"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/cybozu-go/neco/dctest/etcdtest"
	"github.com/cybozu-go/neco/pkg/etcdauth"
	"github.com/cybozu-go/neco/pkg/program"
)

var cluster etcdtest.Cluster

// login returns a client that is logged in as user, with the password that the tests
// set.
func login(t *testing.T, user string) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{
		Endpoints: cluster.NewClient(t, "").Endpoints(), Username: user, Password: "tested", Logger: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestMain(m *testing.M) { os.Exit(cluster.Main(m, 1)) }

// TestUsersMayDoWhatTheirRoleSays is a single test for all users, because
// authentication is enabled for the whole cluster.
func TestUsersMayDoWhatTheirRoleSays(t *testing.T) {
	ctx, root := t.Context(), cluster.NewClient(t, "")
	for range 2 { // the functions are idempotent
		for _, u := range slices.Concat(etcdauth.ClusterUsers(), etcdauth.ServerUsers(1)) {
			if _, err := etcdauth.EnsureUser(ctx, root, u); err != nil {
				t.Fatal(err)
			}
		}
	}
	if added, err := etcdauth.EnsureUser(ctx, root, etcdauth.User{Name: "sabakan-1", Role: "sabakan"}); err != nil || !added {
		t.Errorf("a new user: %v, %v", added, err)
	}
	if added, err := etcdauth.EnsureUser(ctx, root, etcdauth.User{Name: "sabakan-1", Role: "sabakan"}); err != nil || added {
		t.Errorf("an old user: %v, %v", added, err)
	}
	if _, err := etcdauth.EnsureUser(ctx, root, etcdauth.User{Name: "x", Role: "unknown"}); err == nil {
		t.Error("a user of an unknown role")
	}
	for _, name := range []string{"root", "vault-1", "sabakan-1"} {
		if _, err := root.UserChangePassword(ctx, name, "tested"); err != nil {
			t.Fatal(err)
		}
	}
	if on, err := etcdauth.Enabled(ctx, root); err != nil || on {
		t.Errorf("on at first: %v, %v", on, err)
	}
	if err := etcdauth.Enable(ctx, root); err != nil {
		t.Fatal(err)
	}
	admin, vault, sabakan := login(t, "root"), login(t, "vault-1"), login(t, "sabakan-1")
	if on, err := etcdauth.Enabled(ctx, admin); err != nil || !on {
		t.Errorf("on at last: %v, %v", on, err)
	}
	for _, c := range []struct {
		name, key string
		etcd      *clientv3.Client
		may       bool
	}{
		{"vault in its prefix", "/vault/x", vault, true},
		{"vault beside it", "/vaulu", vault, false},
		{"vault in neco's", "/neco/x", vault, false},
		{"sabakan in its prefix", "/sabakan/x", sabakan, true},
		{"sabakan in vault's", "/vault/x", sabakan, false},
		{"root anywhere", "/neco/x", admin, true},
		{"nobody", "/neco/x", root, false},
	} {
		_, err := c.etcd.Put(ctx, c.key, "")
		if (err == nil) != c.may {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := etcdauth.DeleteServer(ctx, admin, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Put(ctx, "/vault/x", ""); err == nil {
		t.Error("a deleted user writes")
	}
	if has, err := etcdauth.Has(ctx, admin, "sabakan-1"); err != nil || has {
		t.Errorf("sabakan-1: %v, %v", has, err)
	}
	if err := etcdauth.DeleteServer(ctx, admin, 1); err != nil {
		t.Errorf("again: %v", err)
	}
	if _, err := admin.AuthDisable(ctx); err != nil && !errors.Is(err, rpctypes.ErrAuthNotEnabled) {
		t.Error(err)
	}
}

func TestAProgramThatOperatorsAddHasAUserAServer(t *testing.T) {
	cke, err := program.Find(program.CKE)
	if err != nil {
		t.Fatal(err)
	}
	want := []etcdauth.User{{Name: "cke", Role: "cke"}, {Name: "cke-0", Role: "cke"}, {Name: "cke-2", Role: "cke"}}
	if got := etcdauth.UsersOf(cke, 0, 2); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
