//go:build dctest

package suite

import (
	"strings"

	"github.com/onsi/ginkgo/v2"
)

// Monitor starts setup-hw on a boot server, which has the metrics of the hardware, and lets
// sabakan-state-setter judge machines each second.
func (s *Suite) Monitor(ctx ginkgo.SpecContext, lrn int) {
	ginkgo.GinkgoHelper()
	s.Run(ctx, lrn, "sh", "-c", `
set -e
echo '{}' >/etc/neco/bmc-address.json
systemctl start setup-hw
mkdir -p /etc/systemd/system/sabakan-state-setter.service.d
printf '[Service]\nExecStart=\nExecStart=/usr/bin/sabakan-state-setter -interval 1s\n' >/etc/systemd/system/sabakan-state-setter.service.d/interval.conf
systemctl daemon-reload
systemctl restart sabakan-state-setter`)
}

// StateSetters returns the host names of the servers whose sabakan-state-setter leads or is a
// candidate, the leader first.
func (s *Suite) StateSetters(ctx ginkgo.SpecContext) []string {
	ginkgo.GinkgoHelper()
	return strings.Fields(s.Etcdctl(ctx, 0, "get", "--prefix", "--print-value-only", "--sort-by=CREATE", "/neco/leader/sabakan-state-setter/"))
}
