//go:build dctest

package functions

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/suite"
	"github.com/cybozu-go/neco/pkg/program"
)

func setupSpecs() {
	Describe("after its setup", func() {
		It("runs its first update", func(ctx SpecContext) {
			for _, server := range []string{"boot-3", "boot-4"} { // one joins later, the other is not used
				Expect(lab.Kill(ctx, server)).To(Succeed())
			}
			deb, err := lab.PackageWithCKE(ctx, first, firstCKE, nil)
			Expect(err).NotTo(HaveOccurred())
			lab.Password, err = lab.FreshSetUp(ctx, deb, all, "--proxy", suite.Proxy)
			Expect(err).NotTo(HaveOccurred())
			token = lab.AdminToken(ctx)
			Expect(lab.Complete(ctx, "boot-0", first, limit)).To(Succeed())
		})

		It("runs nothing of a package that operators have not set up", func(ctx SpecContext) {
			for _, lrn := range all {
				for _, unit := range []string{"cke", "cke-localproxy", "sabakan"} {
					state, _ := lab.Exec(ctx, necotest.Server(lrn), "systemctl", "is-active", unit) // fails if it is inactive
					Expect(state).NotTo(HavePrefix("active"), unit)
				}
			}
		})

		It("gets the programs that operators set up", func(ctx SpecContext) {
			for _, name := range program.Names(program.OnServers()) {
				Expect(lab.Run(ctx, 1, "neco", "init", name)).To(ContainSubstring(name + " is initialised;"))
				for _, lrn := range all {
					out, err := lab.InitLocal(ctx, necotest.Server(lrn), token, name)
					Expect(err).NotTo(HaveOccurred())
					Expect(out).To(ContainSubstring(name + " is set up on this boot server"))
				}
			}
			for _, lrn := range all {
				for _, unit := range []string{"sabakan", "cke", "cke-localproxy"} {
					Expect(lab.Run(ctx, lrn, "systemctl", "is-active", unit)).To(HavePrefix("active"), unit)
				}
				Expect(lab.Run(ctx, lrn, "readlink", "-f", "/usr/sbin/cke")).To(Equal("/var/lib/neco/cke/" + firstCKE + "/cke\n"))
			}
		})

		It("gives its servers a configuration of Teleport", func(ctx SpecContext) {
			_, err := lab.Exec(ctx, "boot-0", "neco", "teleport", "config")
			Expect(err).To(MatchError(ContainSubstring("neco init teleport makes one")))
			lab.Run(ctx, 0, "neco", "init", "teleport")
			says := "teleport-node.service is not installed yet"
			if necotest.Complete() {
				says = "teleport-node.service is started"
			}
			for _, lrn := range all {
				Expect(lab.Run(ctx, lrn, "neco", "teleport", "config")).To(ContainSubstring(says))
				Expect(strings.TrimSpace(lab.Run(ctx, lrn, "stat", "-c", "%a", "/etc/teleport/teleport.yaml"))).To(Equal("600"))
			}
		})
	})
}
