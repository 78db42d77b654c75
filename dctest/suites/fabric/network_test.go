//go:build dctest

package fabric

import (
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// moveAim is how soon traffic should have moved away from a failed switch. The measured
// time is printed, and a test fails only above ten times the aim, because the machine may
// be busy.
const (
	moveAim   = 2 * time.Second
	moveLimit = 10 * moveAim
)

// neighbours returns the nodes to which a node has links.
func neighbours(node string) []string {
	var names []string
	for _, l := range dc.Plan.Links {
		switch node {
		case l.A.Node:
			names = append(names, l.B.Node)
		case l.B.Node:
			names = append(names, l.A.Node)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// eventuallyBroken waits until at least n BGP peers have no established session.
func eventuallyBroken(ctx SpecContext, n int) {
	GinkgoHelper()
	Eventually(ctx, func() (int, error) {
		st, err := dc.Status(ctx)
		if err != nil {
			return 0, err
		}
		broken := 0
		for _, s := range st.Sessions {
			if !s.Established() {
				broken++
			}
		}
		return broken, nil
	}).WithTimeout(deadline).WithPolling(poll).Should(BeNumerically(">=", n))
}

// probeFarthest probes the path from rack 0 to the last rack.
func probeFarthest(ctx SpecContext) (stop func() time.Duration) {
	GinkgoHelper()
	servers := dc.Servers()
	return probe(ctx, servers[0], dc.Address(servers[len(servers)-1], "node0"))
}

var _ = Describe("the network", Ordered, func() {
	AfterEach(func(ctx SpecContext) { Expect(dc.Heal(ctx)).To(Succeed()) })

	It("has all BGP sessions established", func(ctx SpecContext) {
		healthy(ctx)
		st, err := dc.Status(ctx)
		Expect(err).NotTo(HaveOccurred())
		report("%d links, %d BGP peers", len(st.Links), len(st.Sessions))
	})

	It("routes from every boot server and from the operation network to every node0 and bastion address", func(ctx SpecContext) {
		paths := 0
		for _, from := range append(dc.Servers(), "operation") {
			for _, server := range dc.Servers() {
				for _, to := range announced(server) {
					eventuallyPing(ctx, from, to)
					paths++
				}
			}
		}
		report("%d paths", paths)
	})

	for _, tor := range []string{"rack0-tor1", "rack0-tor2"} {
		It("moves the traffic of a rack away from "+tor+" and back", func(ctx SpecContext) {
			healthy(ctx)
			stop := probeFarthest(ctx)
			for _, n := range neighbours(tor) {
				Expect(dc.LinkUp(ctx, tor, n, false)).To(Succeed())
			}
			eventuallyBroken(ctx, 2*len(neighbours(tor)))
			away := stop()
			stop = probeFarthest(ctx)
			for _, n := range neighbours(tor) {
				Expect(dc.LinkUp(ctx, tor, n, true)).To(Succeed())
			}
			healthy(ctx)
			back := stop()
			report("%s down: the longest gap is %s; up again: %s; aim %s", tor, away, back, moveAim)
			Expect(away).To(BeNumerically("<", moveLimit))
			Expect(back).To(BeNumerically("<", moveLimit))
		})

		It("moves the traffic of a rack away from "+tor+" when it stops forwarding with its links up", func(ctx SpecContext) {
			healthy(ctx)
			stop := probeFarthest(ctx)
			Expect(dc.Silence(ctx, tor)).To(Succeed())
			eventuallyBroken(ctx, len(neighbours(tor)))
			gap := stop()
			report("%s silent: the longest gap is %s; aim %s", tor, gap, moveAim)
			// Each side detects the failure by BFD after 5 × 300 ms.
			Expect(gap).To(BeNumerically("<", moveLimit))
			Expect(dc.Heal(ctx)).To(Succeed())
			healthy(ctx)
		})
	}

	It("works while a rack is cut off, and recovers", func(ctx SpecContext) {
		servers := dc.Servers()
		healthy(ctx)
		for _, tor := range []string{"rack0-tor1", "rack0-tor2"} {
			Expect(dc.LinkUp(ctx, tor, servers[0], false)).To(Succeed())
		}
		Expect(ping(ctx, servers[1], dc.Address(servers[0], "node0"))).NotTo(Succeed())
		eventuallyPing(ctx, servers[1], dc.Address(servers[2], "node0"))
		began := time.Now()
		Expect(dc.Heal(ctx)).To(Succeed())
		eventuallyPing(ctx, servers[1], dc.Address(servers[0], "node0"))
		report("back %s after the links", time.Since(began).Round(time.Millisecond))
		healthy(ctx)
	})

	It("cuts only two servers off from each other, also in one direction", func(ctx SpecContext) {
		servers := dc.Servers()
		other := dc.Address(servers[1], "node0")
		for _, oneWay := range []bool{false, true} {
			Expect(dc.Cut(ctx, servers[0], servers[1], oneWay)).To(Succeed())
			Expect(ping(ctx, servers[0], other)).NotTo(Succeed())
			Expect(ping(ctx, servers[0], dc.Address(servers[2], "node0"))).To(Succeed())
			Expect(dc.Heal(ctx)).To(Succeed())
			eventuallyPing(ctx, servers[0], other)
		}
	})

	It("limits the rate of a link", func(ctx SpecContext) {
		server := dc.Servers()[0]
		for _, tor := range []string{"rack0-tor1", "rack0-tor2"} {
			Expect(dc.Rate(ctx, tor, server, "1mbit")).To(Succeed())
		}
		began := time.Now()
		out, err := ssh(ctx, server, "head -c 400000 /dev/zero").Output()
		Expect(err).NotTo(HaveOccurred())
		Expect(out).To(HaveLen(400000))
		took := time.Since(began)
		report("3.2 Mbit over links of 1 Mbit/s: %s", took.Round(time.Millisecond))
		Expect(took).To(BeNumerically(">", 2*time.Second))
	})
})
