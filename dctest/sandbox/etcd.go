package sandbox

import (
	"context"
	"fmt"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/dctest/sandbox/network"
	"github.com/cybozu-go/neco/pkg/storage"
)

// startEtcd starts a member for each boot server, with a line between each two
// of them.
func (s *Sandbox) startEtcd(ctx context.Context) error {
	cluster, err := etcd.Start(ctx, etcd.Options{
		Dir: s.path("etcd"), Members: len(s.opts.Servers), Advertise: s.advertise,
	})
	if err != nil {
		return err
	}
	s.cluster = cluster
	s.mu.Lock()
	for i, lrn := range s.opts.Servers {
		s.members[cluster.MemberID(i)] = lrn
	}
	s.mu.Unlock()
	if s.client, err = cluster.Client(neco.NecoPrefix); err != nil {
		return fmt.Errorf("etcd client: %w", err)
	}
	s.store = storage.New(s.client)
	s.opts.Say(fmt.Sprintf("etcd: %d members are ready", len(s.opts.Servers)))
	return nil
}

// advertise puts a proxy before the peer address of member i.
func (s *Sandbox) advertise(i int, target string) (string, error) {
	l, err := listen()
	if err != nil {
		return "", err
	}
	s.bg.Go(func() error { return s.board.ServePeers(s.bg.ctx, l, target, s.opts.Servers[i], s.member) })
	return l.Addr().String(), nil
}

// member tells which server's member of etcd has an identity.
func (s *Sandbox) member(id string) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lrn, ok := s.members[id]
	return lrn, ok
}

// endpoints are the lines from a boot server to all members of etcd, as the
// addresses of proxies.
func (s *Sandbox) endpoints(from int) ([]string, error) {
	var urls []string
	for i, to := range s.opts.Servers {
		l, err := listen()
		if err != nil {
			return nil, err
		}
		line := network.Between(from, to)
		s.bg.Go(func() error { return s.board.ServeTCP(s.bg.ctx, l, s.cluster.Endpoint(i), line) })
		urls = append(urls, "http://"+l.Addr().String())
	}
	return urls, nil
}

// useMembers makes our own client talk to members that are not cut off.
func (s *Sandbox) useMembers() {
	var use []string
	for i, lrn := range s.opts.Servers {
		if !s.board.IsCut(lrn) {
			use = append(use, s.cluster.Endpoint(i))
		}
	}
	if len(use) > 0 {
		s.client.SetEndpoints(use...)
	}
}

// configure writes the configuration and registers the boot servers.
func (s *Sandbox) configure(ctx context.Context) error {
	s.opts.Config["proxy"] = "http://" + s.proxy
	for name, value := range s.opts.Config {
		k, err := storage.FindConfigKey(name)
		if err != nil {
			return err
		}
		if err := s.store.PutConfig(ctx, k, value, storage.Act{}); err != nil {
			return err
		}
	}
	for _, lrn := range s.opts.all() {
		if err := s.store.Register(ctx, lrn); err != nil {
			return err
		}
	}
	return nil
}
