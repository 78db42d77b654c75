//go:build dctest

package upgrade

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/suite"
)

const (
	// earlier is the last commit whose package leaves sabakan, CKE, etcdpasswd and their
	// contents to the operators.
	earlier = "e463912"
	limit   = 8 * time.Minute
	// backAim is how long Vault takes at most to run again after an update has ended while
	// Vault was stopped.
	backAim = time.Minute
)

var (
	lab = suite.New("upgrade", "dctest/menu.yml", "etcd-container", "vault", "sabakan", "cke")
	// all are the boot servers.
	all = []int{0, 1, 2}
	// token is a token of Vault's user admin.
	token string
)

func TestUpgrade(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "upgrade")
}

// The specs are ordered: each starts with the state that the previous one leaves.
var _ = Describe("a data centre of an earlier version", Ordered, func() {
	earlierSpecs()
	formerNameSpecs()
	changeSpecs()
	faultSpecs()
})
