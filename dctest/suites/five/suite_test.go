//go:build dctest

package five

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/suite"
)

// The data centre is set up with the version first and updated to next.
const (
	first = "2026.11.21-1"
	next  = "2026.11.23-1"
	limit = 5 * time.Minute
)

var (
	lab = suite.New("five", "dctest/menu-5.yml", "etcd-container", "vault", "vault-unseal", "sabakan")
	// all are the boot servers.
	all = []int{0, 1, 2, 3, 4}
)

func TestFive(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "five")
}

// The specs are ordered: each starts with the state that the previous one leaves.
var _ = Describe("boot servers", Ordered, func() {
	fiveSpecs()
})
