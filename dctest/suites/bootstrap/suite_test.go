//go:build dctest

package bootstrap

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/suite"
)

// The versions and limits of the suite; first is the version that setup installs.
const (
	first       = "2026.11.21-1"
	limit       = 5 * time.Minute
	setupAim    = 45 * time.Second
	updateAim   = 10 * time.Second
	vaultGapAim = 15 * time.Second
)

var (
	lab = suite.New("bootstrap", "dctest/menu.yml", "etcd-container", "vault", "vault-unseal")
	// three are the boot servers.
	three = []int{0, 1, 2}
	// deb is the package of the version first.
	deb string
)

func TestBootstrap(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "bootstrap")
}

// The specs are ordered: each starts with the state that the previous one leaves.
var _ = Describe("boot servers", Ordered, func() {
	BeforeAll(func(ctx SpecContext) {
		var err error
		deb, err = lab.Package(ctx, first, nil)
		Expect(err).NotTo(HaveOccurred())
	})

	setupSpecs()
	contractSpecs()
	vaultSpecs()
	updateSpecs()
})

// runs returns the number of repetitions of each measurement.
func runs() int {
	n, err := strconv.Atoi(os.Getenv("RUNS"))
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// measured prints the median and the range of times, and checks that the median is not
// too far above the aim.
func measured(what string, times []time.Duration, aim time.Duration) {
	GinkgoHelper()
	slices.Sort(times)
	mid := times[len(times)/2]
	suite.Print("%s: median of %d: %s (%s to %s), aim %s", what, len(times), mid.Round(time.Millisecond),
		times[0].Round(time.Millisecond), times[len(times)-1].Round(time.Millisecond), aim)
	Expect(mid).To(BeNumerically("<", suite.FailAtFactor*aim))
}
