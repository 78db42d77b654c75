//go:build dctest

package functions

import (
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/suite"
)

const (
	first = "2026.11.21-1"
	// firstCKE is the version of CKE in the package first.
	firstCKE = "1.22.5"
	// last is the package of the last update that changes CKE, and lastCKE the version of CKE
	// in it and in all later packages. newest is the package with which a server joins.
	last    = "2026.11.22-3"
	lastCKE = "1.22.8"
	newest  = "2026.11.23-2"
	limit   = 5 * time.Minute
	poll    = 100 * time.Millisecond
	// quietAim is how long an update without changes takes at most.
	quietAim = 5 * time.Second
	// backAim is how long CKE takes at most to run again after an update has ended while CKE
	// was stopped.
	backAim = time.Minute
)

var (
	lab = suite.New("functions", "dctest/menu-5.yml", "cke", "cke-localproxy", "sabakan", "ep-agent")
	// all are the boot servers that are set up at the beginning.
	all = []int{0, 1, 2}
	// token is a token of Vault's user admin.
	token string
)

func TestFunctions(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "functions")
}

// The specs are ordered: each starts with the state that the previous one leaves.
var _ = Describe("a data centre", Ordered, func() {
	setupSpecs()
	loginSpecs()
	contentsSpecs()
	machineSpecs()
	updateSpecs()
	dutySpecs()
	memberSpecs()
	secretSpecs()
	testEnvSpecs()
})

// words returns the output of a command on a server as words.
func words(ctx SpecContext, lrn int, name string, args ...string) []string {
	GinkgoHelper()
	return strings.Fields(lab.Run(ctx, lrn, name, args...))
}
