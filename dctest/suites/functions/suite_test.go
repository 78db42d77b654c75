//go:build dctest

package functions

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
)

const (
	first = "2026.11.21-1"
	// firstCKE is the version of CKE in the package first.
	firstCKE = "1.22.5"
	limit    = 5 * time.Minute
	// quietAim is how long an update without changes takes at most.
	quietAim = 5 * time.Second
	// backAim is how long CKE takes at most to run again after an update has ended while CKE
	// was stopped.
	backAim = time.Minute
	// failAtFactor is the factor by which a time must exceed its aim for a test to fail.
	failAtFactor = 10
	// proxy is the URL of the proxy to the simulated internet.
	proxy = "http://10.0.49.3:3128"
)

var (
	lab *necotest.Lab
	// all are the boot servers.
	all = []int{0, 1, 2}
	// token is a token of Vault's user admin.
	token string
)

func TestFunctions(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "functions")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	var end func(context.Context) error
	var err error
	lab, end, err = necotest.Open(ctx, "functions", "dctest/menu.yml")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) { Expect(end(ctx)).To(Succeed()) })
	lab.Say = func(format string, args ...any) { GinkgoWriter.Printf(format+"\n", args...) }
})

// The specs are ordered: each starts with the state that the previous one leaves.
var _ = Describe("a data centre", Ordered, func() {
	setupSpecs()
	contentsSpecs()
	updateSpecs()
	dutySpecs()
})

// The logs are printed after a failure because they are deleted with the data centre.
var _ = JustAfterEach(func(ctx SpecContext) {
	if !CurrentSpecReport().Failed() {
		return
	}
	for _, lrn := range all {
		said, err := lab.Exec(ctx, necotest.Server(lrn), "sh", "-c",
			"neco status; systemctl --failed --no-legend; journalctl --no-pager -o short-precise -n 60 -u neco-worker; "+
				"journalctl --no-pager -o short-precise -n 20 -u cke -u cke-localproxy -u sabakan -u ep-agent")
		fmt.Printf("--- boot server %d: %v\n%s\n", lrn, err, said)
	}
})

// run runs a command on a server and returns its output; the command must succeed.
func run(ctx SpecContext, lrn int, name string, args ...string) string {
	GinkgoHelper()
	out, err := lab.Exec(ctx, necotest.Server(lrn), name, args...)
	Expect(err).NotTo(HaveOccurred())
	return out
}

// report prints a measurement, even if the test passes.
func report(format string, args ...any) { fmt.Printf("    "+format+"\n", args...) }

// words returns the output of a command on a server as words.
func words(ctx SpecContext, lrn int, name string, args ...string) []string {
	GinkgoHelper()
	return strings.Fields(run(ctx, lrn, name, args...))
}
