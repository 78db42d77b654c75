//go:build dctest

package members

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/suite"
)

// The data centre is set up with the version first and updated to newest before a server
// joins.
const (
	first  = "2026.11.21-1"
	newest = "2026.11.21-2"
	limit  = 5 * time.Minute
)

var (
	lab = suite.New("members", "dctest/menu-5.yml", "etcd-container", "vault", "vault-unseal")
	// three are the servers that are set up at the beginning.
	three = []int{0, 1, 2}
	// firstDeb and newestDeb are the packages of the two versions.
	firstDeb, newestDeb string
)

func TestMembers(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "members")
}

// The specs are ordered: each starts with the state that the previous one leaves.
var _ = Describe("boot servers", Ordered, func() {
	setupSpecs()
	joinSpecs()
})
