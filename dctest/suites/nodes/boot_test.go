//go:build dctest

package nodes

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/suite"
)

func bootSpecs() {
	Describe("that are registered", func() {
		BeforeAll(func(ctx SpecContext) {
			setUp(ctx)
			for _, lrn := range all {
				lab.Monitor(ctx, lrn)
			}
		})

		It("boot from the network when they are switched on, and get healthy", func(ctx SpecContext) {
			began := time.Now()
			lab.Run(ctx, 0, "neco", append([]string{"power", "start", "--wait"}, serials(nodes())...)...)
			awaitState(ctx, nodes(), "healthy")
			suite.Print("from power on to healthy, %d nodes: %s", len(nodes()), time.Since(began).Round(time.Second))
			for _, n := range nodes() {
				Expect(strings.TrimSpace(on(ctx, n, "systemctl", "is-system-running"))).To(Equal("running"), n.Name)
				on(ctx, n, "docker", "exec", "chrony", "chronyc", "waitsync", "60", "0", "0", "1") // by boot servers
			}
		})
	})
}
