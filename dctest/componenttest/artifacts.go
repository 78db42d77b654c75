package componenttest

import "github.com/cybozu-go/neco"

// Artifacts returns an example of an artifact set, with the artifacts of Neco. Its versions do
// not follow those of neco.CurrentArtifacts.
func Artifacts() neco.ArtifactSet {
	return neco.ArtifactSet{
		Images: []neco.ContainerImage{
			{Name: "coil", Repository: "ghcr.io/cybozu-go/coil", Tag: "2.0.14"},
			{Name: "bird", Repository: "quay.io/cybozu/bird", Tag: "2.0.9.1"},
			{Name: "chrony", Repository: "quay.io/cybozu/chrony", Tag: "4.2.0.1"},
			{Name: "etcd", Repository: "quay.io/cybozu/etcd", Tag: "3.5.4.1"},
			{Name: "promtail", Repository: "quay.io/cybozu/promtail", Tag: "2.5.0.1"},
			{Name: "sabakan", Repository: "quay.io/cybozu/sabakan", Tag: "2.13.0"},
			{Name: "serf", Repository: "quay.io/cybozu/serf", Tag: "0.9.7.1"},
			{Name: "setup-hw", Repository: "quay.io/cybozu/setup-hw", Tag: "1.12.0", Private: true},
			{Name: "squid", Repository: "quay.io/cybozu/squid", Tag: "5.4.1.1"},
			{Name: "vault", Repository: "quay.io/cybozu/vault", Tag: "1.10.2.1"},
			{Name: "cilium", Repository: "quay.io/cybozu/cilium", Tag: "1.11.5.1"},
			{Name: "cilium-operator-generic", Repository: "quay.io/cybozu/cilium-operator-generic", Tag: "1.11.5.1"},
			{Name: "hubble-relay", Repository: "quay.io/cybozu/hubble-relay", Tag: "1.11.5.1"},
			{Name: "cilium-certgen", Repository: "quay.io/cybozu/cilium-certgen", Tag: "0.1.5.1"},
		},
		Debs:    []neco.DebianPackage{{Name: "etcdpasswd", Owner: "cybozu-go", Repository: "etcdpasswd", Release: "v1.4.0"}},
		OSImage: neco.OSImage{Channel: "stable", Version: "3139.2.1"},
	}
}
