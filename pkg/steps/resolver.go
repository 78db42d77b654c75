package steps

import (
	"context"
	"net/netip"

	"github.com/cybozu-go/neco/internal/weburl"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/resolver"
	"github.com/cybozu-go/neco/pkg/worker"
)

// releaseHost is the host from which a boot server without a proxy downloads releases.
const releaseHost = "api.github.com"

// useResolver is an action: it makes this host use its local resolver, if that resolves
// the names of the cluster and the name that Neco itself needs.
func useResolver(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	s := resolver.Server{FS: h.FS, IsActive: h.Units.IsActive, Address: h.Resolver}
	return s.Use(ctx, append([]string{resolver.ClusterName}, needed(t.Config.Proxy)...)...)
}

// needed returns the host names that Neco has to resolve for its downloads through proxy.
// A proxy resolves all other names.
func needed(proxy string) []string {
	if proxy == "" {
		return []string{releaseHost}
	}
	u, err := weburl.ParseProxy(proxy)
	if err != nil {
		return nil // a proxy in the configuration is valid
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return nil
	}
	return []string{u.Hostname()}
}
