//go:build dctest

package functions

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
)

// imitatedStatus is the file with the status of the processor that a server's setup-hw reports.
const imitatedStatus = "/etc/neco/imitated-processor-status"

func machineSpecs() {
	Describe("its machines", func() {
		It("are judged on one boot server, and get their states in sabakan", func(ctx SpecContext) {
			for _, lrn := range all {
				Expect(lab.Run(ctx, lrn, "systemctl", "is-active", "sabakan-state-setter")).To(HavePrefix("active"))
				lab.Monitor(ctx, lrn)
			}
			awaitStates(ctx, "boot-0 healthy", "boot-1 healthy", "boot-2 healthy", "cs-0 uninitialized")
			Expect(lab.StateSetters(ctx)).To(HaveLen(len(all)), "candidates, one of which leads")
		})

		It("become unhealthy by their hardware or a failed unit, and healthy again", func(ctx SpecContext) {
			Expect(lab.Write(ctx, "boot-1", imitatedStatus, strings.NewReader("2\n"), 0o644)).To(Succeed())
			awaitStates(ctx, "boot-0 healthy", "boot-1 unhealthy", "boot-2 healthy", "cs-0 uninitialized")
			lab.Run(ctx, 1, "rm", imitatedStatus)
			_, err := lab.Exec(ctx, "boot-2", "systemd-run", "--wait", "--unit", "broken", "false")
			Expect(err).To(HaveOccurred())
			awaitStates(ctx, "boot-0 healthy", "boot-1 healthy", "boot-2 unhealthy", "cs-0 uninitialized")
			lab.Run(ctx, 2, "systemctl", "reset-failed", "broken")
			awaitStates(ctx, "boot-0 healthy", "boot-1 healthy", "boot-2 healthy", "cs-0 uninitialized")
		})

		It("are judged by another boot server after the leader was killed", func(ctx SpecContext) {
			leader := lab.StateSetters(ctx)[0]
			_, err := lab.Exec(ctx, leader, "systemctl", "kill", "--signal=KILL", "--kill-whom=main", "sabakan-state-setter")
			Expect(err).NotTo(HaveOccurred())
			Eventually(func() string { return lab.StateSetters(ctx)[0] }).WithTimeout(limit).WithPolling(poll).ShouldNot(Equal(leader))
			Expect(lab.Write(ctx, "boot-0", imitatedStatus, strings.NewReader("2\n"), 0o644)).To(Succeed())
			awaitStates(ctx, "boot-0 unhealthy", "boot-1 healthy", "boot-2 healthy", "cs-0 uninitialized")
			lab.Run(ctx, 0, "rm", imitatedStatus)
			awaitStates(ctx, "boot-0 healthy", "boot-1 healthy", "boot-2 healthy", "cs-0 uninitialized")
		})
	})
}

// awaitStates blocks until the machines in sabakan are as wanted: serial number and state.
func awaitStates(ctx SpecContext, want ...string) {
	GinkgoHelper()
	Eventually(ctx, func() (string, error) {
		return lab.Exec(ctx, necotest.Server(0), "sh", "-c", `sabactl machines get | jq -r '.[] | .spec.serial + " " + .status.state' | sort`)
	}).WithTimeout(limit).WithPolling(poll).Should(Equal(strings.Join(want, "\n") + "\n"))
}
