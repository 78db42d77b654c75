//go:build dctest

package upgrade

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/inventory"
	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/suite"
	"github.com/cybozu-go/neco/pkg/program"
)

func earlierSpecs() {
	It("is set up by the earlier version", func(ctx SpecContext) {
		const version = "2026.11.20-1"
		deb, err := lab.EarlierPackage(ctx, earlier, version)
		Expect(err).NotTo(HaveOccurred())
		lab.Password, err = lab.FreshSetUp(ctx, deb, all, "--proxy", suite.Proxy)
		Expect(err).NotTo(HaveOccurred())
		token = lab.AdminToken(ctx)
		Expect(lab.Complete(ctx, "boot-0", version, limit)).To(Succeed())
		lab.FollowReleases(ctx)
	})

	It("is updated to this version, and no managed program restarts", func(ctx SpecContext) {
		const version = "2026.11.21-1"
		running := []string{"etcd-container", "vault", "serf", "setup-hw", "promtail"}
		before := lab.Pids(ctx, all, running...)
		deb, err := lab.PackageWithCKE(ctx, version, "1.22.5", nil)
		Expect(err).NotTo(HaveOccurred())
		took := lab.Deliver(ctx, deb, version, all, limit)
		suite.Print("release to complete: %s; last installation to complete: %s",
			took.SinceRequest.Round(time.Millisecond), took.SinceInstalled.Round(time.Millisecond))
		lab.PrintSteps(ctx, 0, version)
		Expect(lab.Pids(ctx, all, running...)).To(Equal(before))
	})

	It("gets the programs and contents that the earlier version did not manage", func(ctx SpecContext) {
		for _, name := range program.Names(program.OnServers()) {
			lab.Run(ctx, 1, "neco", "init", name)
			for _, lrn := range all {
				_, err := lab.InitLocal(ctx, necotest.Server(lrn), token, name)
				Expect(err).NotTo(HaveOccurred())
			}
		}
		Expect(lab.Write(ctx, "boot-0", "/root/ipam.json", strings.NewReader(inventory.IPAM), 0o600)).To(Succeed())
		lab.Run(ctx, 0, "sabactl", "ipam", "set", "-f", "/root/ipam.json")
		Expect(lab.CreateMachines(ctx, "boot-0", inventory.Boot(0), inventory.Boot(1), inventory.Boot(2), inventory.Node(0))).To(Succeed())
		lab.Run(ctx, 0, "neco", "ssh", "generate")
		lab.Run(ctx, 0, "neco", "init-data")
		Expect(lab.Run(ctx, 1, "curl", "-sS", "http://127.0.0.1:10080/api/v1/ignitions/cs")).To(ContainSubstring("2026.11.21-1"))
	})
}
