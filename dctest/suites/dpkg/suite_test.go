//go:build dctest

package dpkg

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/suite"
)

const (
	// first is the version that is installed before each way, second another one. faulty is
	// the version of the package that [changed] makes from the second.
	first  = "2026.11.21-1"
	second = "2026.11.21-2"
	faulty = "2026.11.21-3"
	// cke is the version of the imitation of CKE in the packages.
	cke = "1.22.6"
	// limit is how long the jobs of systemd may take after a run of dpkg.
	limit = 2 * time.Minute
)

var lab = suite.New("dpkg", "dctest/menu-1.yml", "neco-updater")

func TestDpkg(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "dpkg")
}

// After the first spec, each begins and ends with the first version and all units running.
var _ = Describe("dpkg", Ordered, ContinueOnFailure, func() {
	BeforeAll(func(ctx SpecContext) {
		copyPackages(ctx)
		lab.Run(ctx, 0, "sh", "-c", bareServer)
		settle(ctx)
	})
	AfterEach(func(ctx SpecContext) {
		if CurrentSpecReport().Failed() {
			lab.Run(ctx, 0, "sh", "-c", prelude+mend)
			settle(ctx)
		}
	})
	It(bare().name, func(ctx SpecContext) {
		DeferCleanup(func(ctx SpecContext) {
			lab.Run(ctx, 0, "sh", "-c", member)
			settle(ctx)
		})
		run(ctx, bare())
	})
	for _, w := range ways() {
		It(w.name, func(ctx SpecContext) { run(ctx, w) })
	}
})
