//go:build dctest

package upgrade

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/inventory"
	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/suite"
	"github.com/cybozu-go/neco/pkg/program"
)

func earlierSpecs() {
	It("is set up by the earlier version", func(ctx SpecContext) {
		const version = "2026.11.20-1"
		deb, err := lab.EarlierPackage(ctx, earlier, version)
		Expect(err).NotTo(HaveOccurred())
		lab.Password, err = lab.FreshSetUp(ctx, deb, all, "--proxy", suite.Proxy)
		Expect(err).NotTo(HaveOccurred())
		token = lab.AdminToken(ctx)
		Expect(lab.Complete(ctx, "boot-0", version, limit)).To(Succeed())
		lab.FollowReleases(ctx)
	})

	It("is updated to this version, which restarts the programs whose unit or configuration differs once", func(ctx SpecContext) {
		const version = "2026.11.21-1"
		changed := []string{"etcd-container", "vault", "serf", "promtail"}
		// The unit of setup-hw differs, too, but these servers have no BMC.
		kept := []string{"docker", "bird", "setup-hw"}
		for _, lrn := range all {
			Expect(containers(ctx, lrn)).To(And(ContainElement("etcd-container"), Not(ContainElement("etcd"))))
		}
		starts, before := startsOf(ctx, changed), lab.Pids(ctx, all, kept...)
		deb, err := lab.PackageWithCKE(ctx, version, "1.22.5", nil)
		Expect(err).NotTo(HaveOccurred())
		deliver(ctx, deb, version)
		for _, unit := range changed {
			for lrn, n := range starts[unit] {
				starts[unit][lrn] = n + 1
			}
		}
		Expect(startsOf(ctx, changed)).To(Equal(starts))
		Expect(lab.Pids(ctx, all, kept...)).To(Equal(before))
		for _, unit := range []string{"etcd-container", "vault", "serf"} {
			oneByOne(ctx, unit)
		}
		for _, lrn := range all {
			Expect(containers(ctx, lrn)).To(And(ContainElement("etcd"), Not(ContainElement("etcd-container"))))
		}
	})

	It("gets the programs and contents that the earlier version did not manage", func(ctx SpecContext) {
		for _, name := range program.Names(program.OnServers()) {
			lab.Run(ctx, 1, "neco", "init", name)
			for _, lrn := range all {
				_, err := lab.InitLocal(ctx, necotest.Server(lrn), token, name)
				Expect(err).NotTo(HaveOccurred())
			}
		}
		Expect(lab.Write(ctx, "boot-0", "/root/ipam.json", strings.NewReader(inventory.IPAM), 0o600)).To(Succeed())
		lab.Run(ctx, 0, "sabactl", "ipam", "set", "-f", "/root/ipam.json")
		Expect(lab.CreateMachines(ctx, "boot-0", inventory.Boot(0), inventory.Boot(1), inventory.Boot(2), inventory.Node(0))).To(Succeed())
		lab.Run(ctx, 0, "neco", "ssh", "generate")
		lab.Run(ctx, 0, "neco", "init-data")
		Expect(lab.Run(ctx, 1, "curl", "-sS", "http://127.0.0.1:10080/api/v1/ignitions/cs")).To(ContainSubstring("2026.11.21-1"))
	})
}

func formerNameSpecs() {
	It("ends a container of etcd with the name of earlier versions before etcd starts", func(ctx SpecContext) {
		// The docker run of an earlier version was killed, and its container still runs.
		lab.Run(ctx, 2, "docker", "rename", "etcd", "etcd-container")
		lab.Run(ctx, 2, "systemctl", "kill", "--signal=KILL", "etcd-container")
		Eventually(ctx, func() []string { return containers(ctx, 2) }).WithTimeout(limit).WithPolling(time.Second).
			Should(And(ContainElement("etcd"), Not(ContainElement("etcd-container"))))
		Eventually(ctx, func() (string, error) { return lab.Exec(ctx, "boot-2", "curl", "-sS", "http://127.0.0.1:2381/health") }).
			WithTimeout(limit).WithPolling(time.Second).Should(ContainSubstring(`"health":"true"`))
	})
}

// containers returns the names of the running containers of a server.
func containers(ctx SpecContext, lrn int) []string {
	GinkgoHelper()
	return strings.Fields(lab.Run(ctx, lrn, "docker", "ps", "--format", "{{.Names}}"))
}

// startsOf returns how often each unit was started on each server.
func startsOf(ctx SpecContext, units []string) map[string]map[int]int {
	GinkgoHelper()
	starts := map[string]map[int]int{}
	for _, unit := range units {
		starts[unit] = lab.Starts(ctx, all, unit)
	}
	return starts
}

// oneByOne checks that the last restart of a unit on one server has ended before that on
// another server began. The servers have one monotonic clock: that of the machine.
func oneByOne(ctx SpecContext, unit string) {
	GinkgoHelper()
	type restart struct{ began, ended int64 }
	var restarts []restart
	at := func(lrn int, property string) int64 {
		n, err := strconv.ParseInt(strings.TrimSpace(lab.Run(ctx, lrn, "systemctl", "show", "-p", property+"TimestampMonotonic", "--value", unit)), 10, 64)
		Expect(err).NotTo(HaveOccurred())
		return n
	}
	for _, lrn := range all {
		r := restart{at(lrn, "ActiveExit"), at(lrn, "ActiveEnter")}
		Expect(r.ended).To(BeNumerically(">", r.began), "%s on boot server %d", unit, lrn)
		restarts = append(restarts, r)
	}
	slices.SortFunc(restarts, func(a, b restart) int { return cmp.Compare(a.began, b.began) })
	for i, r := range restarts[1:] {
		Expect(r.began).To(BeNumerically(">=", restarts[i].ended), "restarts of %s", unit)
	}
}
