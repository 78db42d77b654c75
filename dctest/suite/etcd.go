//go:build dctest

package suite

import (
	"time"

	"github.com/onsi/ginkgo/v2"
)

// EtcdGapAim is how long clients of etcd may wait at most for a write while boot servers
// join, leave or are updated.
const EtcdGapAim = 5 * time.Second

// EtcdctlAs returns the etcdctl command for the etcd of a boot server, with the client
// certificate at the path cert, without its suffix.
func EtcdctlAs(cert string) string { return EtcdctlAt("https://127.0.0.1:2379", cert) }

// EtcdctlAt returns the same command as [EtcdctlAs] for another endpoint.
func EtcdctlAt(endpoint, cert string) string {
	return "etcdctl --endpoints=" + endpoint + " --cacert=/usr/local/share/ca-certificates/neco.crt --cert=" + cert + ".crt --key=" + cert + ".key"
}

// Etcdctl runs etcdctl on the boot server lrn with the certificate of Neco and returns its
// output. The command must succeed.
func (s *Suite) Etcdctl(ctx ginkgo.SpecContext, lrn int, args ...string) string {
	ginkgo.GinkgoHelper()
	return s.Run(ctx, lrn, "sh", append([]string{"-c", EtcdctlAs("/etc/neco/etcd") + ` "$@"`, "sh"}, args...)...)
}
