//go:build dctest

package bootstrap

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
)

// The versions and limits of the suite; first is the version that setup installs.
const (
	first        = "2026.11.21-1"
	limit        = 5 * time.Minute
	setupAim     = 45 * time.Second
	updateAim    = 10 * time.Second
	etcdGapAim   = 5 * time.Second
	vaultGapAim  = 15 * time.Second
	failAtFactor = 10 // a test fails only if a time exceeds ten times its aim
	// proxy is the URL of the proxy to the simulated internet.
	proxy = "http://10.0.49.3:3128"
)

var (
	lab *necotest.Lab
	// three are the servers of the first setup.
	three = []int{0, 1, 2}
	deb   string
	// newest is the last package that was published.
	newest string
	// password is the password of Vault's user admin.
	password string
)

func TestBootstrap(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "bootstrap")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	var end func(context.Context) error
	var err error
	lab, end, err = necotest.Open(ctx, "bootstrap", "dctest/menu-5.yml")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) { Expect(end(ctx)).To(Succeed()) })
	lab.Say = func(format string, args ...any) { GinkgoWriter.Printf(format+"\n", args...) }
	deb, err = lab.Package(ctx, first, nil)
	Expect(err).NotTo(HaveOccurred())
})

// The specs are ordered: each starts with the state that the previous one leaves.
var _ = Describe("boot servers", Ordered, func() {
	setupSpecs()
	contractSpecs()
	vaultSpecs()
	updateSpecs()
	joinSpecs()
	fiveSpecs()
})

// The logs are printed after a failure because they are deleted with the data centre.
var _ = JustAfterEach(func(ctx SpecContext) {
	if !CurrentSpecReport().Failed() {
		return
	}
	for _, lrn := range five {
		said, err := lab.Exec(ctx, necotest.Server(lrn), "sh", "-c",
			"systemctl --failed --no-legend; journalctl --no-pager -o short-precise -n 80 -u vault -u etcd-container -u vault-unseal -p info; "+
				"journalctl --no-pager -o short-precise -n 200 _COMM=systemd; journalctl --no-pager -o short-precise -n 40 -u neco-worker")
		fmt.Printf("--- boot server %d: %v\n%s\n", lrn, err, said)
	}
})

// servers returns the names of boot servers.
func servers(lrns ...int) []string {
	var names []string
	for _, n := range lrns {
		names = append(names, necotest.Server(n))
	}
	return names
}

// run runs a command on a server and returns its output; the command must succeed.
func run(ctx SpecContext, lrn int, name string, args ...string) string {
	GinkgoHelper()
	out, err := lab.Exec(ctx, necotest.Server(lrn), name, args...)
	Expect(err).NotTo(HaveOccurred())
	return out
}

// runs returns the number of repetitions of each measurement.
func runs() int {
	n, err := strconv.Atoi(os.Getenv("RUNS"))
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// report prints a measurement, even if the test passes.
func report(format string, args ...any) { fmt.Printf("    "+format+"\n", args...) }

// measured prints the median and the range of times, and checks that the median is not
// too far above the aim.
func measured(what string, times []time.Duration, aim time.Duration) {
	GinkgoHelper()
	slices.Sort(times)
	mid := times[len(times)/2]
	report("%s: median of %d: %s (%s to %s), aim %s", what, len(times), mid.Round(time.Millisecond),
		times[0].Round(time.Millisecond), times[len(times)-1].Round(time.Millisecond), aim)
	Expect(mid).To(BeNumerically("<", failAtFactor*aim))
}
