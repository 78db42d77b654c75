package sandbox

import (
	"context"
	"fmt"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/loopback"
	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/dctest/sandbox/network"
	"github.com/cybozu-go/neco/pkg/storage"
)

// startEtcd starts an etcd member for each boot server. Between any two members there is
// a link that can be cut.
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

// advertise starts a proxy in front of etcd member i, whose peer address is target, and
// returns the proxy's address.
func (s *Sandbox) advertise(i int, target string) (string, error) {
	l, err := loopback.Listen()
	if err != nil {
		return "", err
	}
	s.bg.Go(func() error { return s.partition.ServePeers(s.bg.ctx, l, target, s.opts.Servers[i], s.member) })
	return l.Addr().String(), nil
}

// member returns the LRN of the boot server whose etcd member has the given ID. The
// second result is false if no member has it.
func (s *Sandbox) member(id string) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lrn, ok := s.members[id]
	return lrn, ok
}

// endpoints starts a proxy to each etcd member, for the clients on the boot server with
// the logical rack number from. It returns the URLs of the proxies.
func (s *Sandbox) endpoints(from int) ([]string, error) {
	var urls []string
	for i, to := range s.opts.Servers {
		l, err := loopback.Listen()
		if err != nil {
			return nil, err
		}
		link := network.Between(from, to)
		s.bg.Go(func() error { return s.partition.ServeTCP(s.bg.ctx, l, s.cluster.Endpoint(i), link) })
		urls = append(urls, "http://"+l.Addr().String())
	}
	return urls, nil
}

// useMembers makes the sandbox's own etcd client use the members that are not cut off. If
// all members are cut off, it changes nothing.
func (s *Sandbox) useMembers() {
	var use []string
	for i, lrn := range s.opts.Servers {
		if !s.partition.IsCut(lrn) {
			use = append(use, s.cluster.Endpoint(i))
		}
	}
	if len(use) > 0 {
		s.client.SetEndpoints(use...)
	}
}

// configure writes the configuration to etcd and registers the boot servers.
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
