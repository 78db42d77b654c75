//go:build dctest

package nodes

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/inventory"
	"github.com/cybozu-go/neco/dctest/necotest"
)

func memberSpecs() {
	Describe("after a boot server has joined", func() {
		It("use it as a time server from their next boot", func(ctx SpecContext) {
			n, address := nodes()[0], lab.Address(necotest.Server(fourth), "node0").String()
			Expect(on(ctx, n, "cat", "/etc/chrony.conf")).NotTo(ContainSubstring(address))
			Expect(lab.CreateMachines(ctx, "boot-0", inventory.Boot(fourth))).To(Succeed())
			Expect(lab.Fresh(ctx, deb, necotest.Server(fourth))).To(Succeed())
			text, err := lab.JoinToken(ctx, "boot-0", token, fourth)
			Expect(err).NotTo(HaveOccurred())
			Expect(lab.Write(ctx, necotest.Server(fourth), "/etc/neco/join-token", strings.NewReader(text), 0o600)).To(Succeed())
			lab.Run(ctx, fourth, "neco", "join", "0", "1", "2")
			Eventually(ctx, func() (string, error) {
				return lab.Exec(ctx, "boot-0", "sh", "-c", `sabactl ignitions get cs "$(curl -sS --fail http://127.0.0.1:10080/api/v1/ignitions/cs | jq -r '.[-1]')"`)
			}).WithTimeout(limit).WithPolling(poll).Should(ContainSubstring(address))
			lab.Run(ctx, 1, "neco", "reboot-and-wait", "--yes", n.Server.Serial)
			Expect(on(ctx, n, "cat", "/etc/chrony.conf")).To(ContainSubstring(address))
			Eventually(ctx, func() string { return on(ctx, n, "docker", "exec", "chrony", "chronyc", "-n", "sources") }).
				WithTimeout(limit).WithPolling(poll).Should(MatchRegexp(`(?m)^\^[*+-] +` + address))
		})
	})
}
