//go:build dctest

package nodes

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/inventory"
	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/placemat/cluster"
	"github.com/cybozu-go/neco/dctest/suite"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

const (
	first = "2026.11.21-1"
	cke   = "1.22.6"
	limit = 5 * time.Minute
	// lost is how long a rack is lost: many rounds and grace periods.
	lost = 20 * time.Second
	poll = 500 * time.Millisecond
)

// fourth is the boot server that joins.
const fourth = 3

var (
	lab = suite.New("nodes", "dctest/menu-nodes.yml", "sabakan", "sabakan-state-setter")
	// all are the boot servers that are set up at the beginning.
	all = []int{0, 1, 2}
	// deb is the package of all boot servers, and token a token of Vault's user admin.
	deb, token string
)

func TestNodes(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "nodes")
}

// The specs are ordered: each starts with the state that the previous one leaves.
var _ = Describe("nodes", Ordered, func() {
	JustAfterEach(func(ctx SpecContext) {
		if CurrentSpecReport().Failed() && lab.Lab != nil {
			printNodes(ctx)
		}
	})
	bootSpecs()
	lifeSpecs()
	memberSpecs()
})

// nodes are those of the data centre.
func nodes() []cluster.Node { return lab.Plan.Of(cluster.CS, cluster.SS) }

// machine returns a node as sabakan registers it.
func machine(n cluster.Node) sabakan.Spec {
	s := inventory.Node(*n.Rack)
	s.Serial, s.Role = n.Server.Serial, string(n.Kind)
	return s
}

// on runs a command on a node and returns its output. The command must succeed.
func on(ctx SpecContext, n cluster.Node, name string, args ...string) string {
	GinkgoHelper()
	out, err := lab.Exec(ctx, n.Name, name, args...)
	Expect(err).NotTo(HaveOccurred())
	return out
}

// printNodes prints what nodes said.
func printNodes(ctx context.Context) {
	for _, n := range nodes() {
		said, err := lab.Exec(ctx, n.Name, "sh", "-c", "systemctl list-jobs --no-legend; systemctl --failed --no-legend; journalctl --no-pager -o short-precise -n 80")
		fmt.Printf("--- %s: %v\n%s\n", n.Name, err, said)
	}
}

// setUp makes a data centre whose sabakan has what nodes need.
func setUp(ctx SpecContext) {
	GinkgoHelper()
	Expect(lab.Kill(ctx, necotest.Server(fourth))).To(Succeed())
	var err error
	deb, err = lab.PackageWithTools(ctx, first, cke)
	Expect(err).NotTo(HaveOccurred())
	lab.Password, err = lab.FreshSetUp(ctx, deb, all, "--proxy", suite.Proxy)
	Expect(err).NotTo(HaveOccurred())
	token = lab.AdminToken(ctx)
	Expect(lab.Complete(ctx, "boot-0", first, limit)).To(Succeed())
	for _, name := range program.Names(program.OnServers()) {
		lab.Run(ctx, 0, "neco", "init", name)
		for _, lrn := range all {
			_, err := lab.InitLocal(ctx, necotest.Server(lrn), token, name)
			Expect(err).NotTo(HaveOccurred())
		}
	}
	Expect(lab.Write(ctx, "boot-0", "/root/ipam.json", strings.NewReader(inventory.IPAM), 0o600)).To(Succeed())
	lab.Run(ctx, 0, "sabactl", "ipam", "set", "-f", "/root/ipam.json")
	var machines []sabakan.Spec
	for _, lrn := range all {
		machines = append(machines, inventory.Boot(lrn))
	}
	for _, n := range nodes() {
		machines = append(machines, machine(n))
	}
	Expect(lab.CreateMachines(ctx, "boot-0", machines...)).To(Succeed())
	lab.Run(ctx, 0, "neco", "ssh", "generate")
	for name, text := range map[string]string{"bmc-user": `{"root": {}}`, "ipmi-password": "cybozu"} {
		_, err := lab.ExecWith(ctx, strings.NewReader(text), "boot-0", "neco", "bmc", "config", "set", name, "-")
		Expect(err).NotTo(HaveOccurred())
	}
	lab.Run(ctx, 0, "neco", "bmc", "config", "set", "ipmi-user", "cybozu")
	lab.Run(ctx, 0, "neco", "init-data")
}

// serials returns the serial numbers of nodes.
func serials(of []cluster.Node) (s []string) {
	for _, n := range of {
		s = append(s, n.Server.Serial)
	}
	return s
}

// listStates prints the machines in sabakan with their states.
const listStates = `sabactl machines get | jq -r '.[] | .spec.serial + " " + .status.state'`

// awaitState blocks until all nodes have a state in sabakan.
func awaitState(ctx SpecContext, of []cluster.Node, state string) {
	GinkgoHelper()
	var want []string
	for _, s := range serials(of) {
		want = append(want, s+" "+state)
	}
	Eventually(ctx, func() ([]string, error) {
		out, err := lab.Exec(ctx, "boot-1", "sh", "-c", listStates)
		return strings.Split(out, "\n"), err
	}).WithTimeout(limit).WithPolling(poll).Should(ContainElements(want))
}
