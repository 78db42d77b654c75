//go:build dctest

package migrate

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/suite"
)

const (
	// before is the version of the original's package. The suite sets the data centre up with
	// the version setUp of this Neco, because the original's setup cannot run here.
	before = "2026.11.20-1"
	setUp  = "2026.11.19-1"
	// taken is the version that takes over, next the version of the first update after it.
	taken = "2026.11.21-1"
	next  = "2026.11.21-2"
	// oldCKE is the version that the imitation of CKE reports without a directory of its own,
	// as in the original's package; newCKE is that of this Neco's packages.
	oldCKE = "1.23.5"
	newCKE = "1.22.6"
	limit  = 5 * time.Minute
	poll   = 100 * time.Millisecond
	// stopAim is how long the original's scripts keep a service stopped at most.
	stopAim = 10 * time.Second
)

var (
	lab = suite.New("migrate", "dctest/menu.yml", "cke", "cke-localproxy", "node-exporter")
	all = []int{0, 1, 2}
	// original is the imitation of the original's package.
	original string
)

func TestMigrate(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "migrate")
}

// The specs are ordered: each starts with the state that the previous one leaves.
var _ = Describe("a data centre of the original", Ordered, func() {
	layoutSpecs()
	failedSpecs()
	takeoverSpecs()
	backSpecs()
})
