package setup

import (
	"context"
	"fmt"
	"strconv"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/etcdauth"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/storage"
)

// pullImages pulls the images of etcd and Vault.
func pullImages(ctx context.Context, r *run) error {
	for _, name := range []string{program.Etcd, program.Vault} {
		img, err := r.Artifacts.FindContainerImage(name)
		if err != nil {
			return err
		}
		if err := r.Containers.Pull(ctx, img); err != nil {
			return err
		}
	}
	return nil
}

// startEtcd starts this server's etcd member and blocks until the etcd cluster answers.
func startEtcd(ctx context.Context, r *run) error {
	t := r.target()
	// A member ignores the initial cluster state once it has data. After
	// register, a member without data must not form a second cluster.
	c := etcd.Component{State: etcd.StateNew}
	if r.past(stageRegister) {
		c.State = etcd.StateExisting
	}
	if _, err := component.Converge(ctx, r.component(), c, t); err != nil {
		return err
	}
	return r.openEtcd(ctx)
}

// openEtcd connects to etcd with this server's certificate and blocks until etcd
// answers or ctx ends.
func (r *run) openEtcd(ctx context.Context) error {
	if r.state().etcd == nil {
		client, err := etcdConfig(r.LRNs, r.FS.Path).Client()
		if err != nil {
			return err
		}
		r.change(func(s *state) { s.etcd = client })
	}
	client := r.state().etcd
	return retry.Until(ctx, func() error {
		_, err := client.Get(ctx, finishKey(r.LRN))
		return err
	})
}

// etcdConfig returns the etcd configuration of Neco's own programs for the members on
// the boot servers lrns. The function path maps a path on the boot server to a path
// that this process can open.
func etcdConfig(lrns []int, path func(string) string) *neco.EtcdConfig {
	return &neco.EtcdConfig{
		Endpoints: neco.EtcdEndpoints(lrns), Prefix: neco.NecoPrefix, Timeout: "2s",
		TLSCAFile:   path(neco.ServerCAFile),
		TLSCertFile: path(neco.NecoCertFile), TLSKeyFile: path(neco.NecoKeyFile),
	}
}

// makeUsers creates etcd's users and enables authentication. Secrets are stored in etcd
// only after that.
func makeUsers(ctx context.Context, r *run) error {
	users := etcdauth.ClusterUsers()
	for _, lrn := range r.LRNs {
		users = append(users, etcdauth.ServerUsers(lrn)...)
	}
	client := r.state().etcd
	for _, u := range users {
		if _, err := etcdauth.EnsureUser(ctx, client, u); err != nil {
			return err
		}
	}
	return etcdauth.Enable(ctx, client)
}

// finishKey returns the etcd key that holds the last completed stage of the server lrn.
func finishKey(lrn int) string { return storage.KeyFinish + strconv.Itoa(lrn) }

// wipeVault deletes the storage of Vault from etcd. It is called for a Vault whose
// unseal key is lost.
func (r *run) wipeVault(ctx context.Context) error {
	conf := etcdConfig(r.LRNs, r.FS.Path)
	conf.Prefix = neco.VaultPrefix
	client, err := conf.Client()
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := client.Delete(ctx, "\x00", clientv3.WithFromKey()); err != nil {
		return fmt.Errorf("wipe %s: %w", neco.VaultPrefix, err)
	}
	return nil
}
