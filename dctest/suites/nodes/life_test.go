//go:build dctest

package nodes

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/placemat/cluster"
	"github.com/cybozu-go/neco/dctest/suite"
	"github.com/cybozu-go/neco/pkg/fleet"
)

func lifeSpecs() {
	Describe("that are healthy", func() {
		It("are reached from another rack while a switch is silent", func(ctx SpecContext) {
			for _, n := range nodes() {
				reached(ctx, n)
				Expect(strings.Count(on(ctx, n, "ip", "-4", "route", "show", "default"), "nexthop")).To(Equal(2), n.Name)
			}
			DeferCleanup(func(ctx SpecContext) { Expect(lab.Heal(ctx)).To(Succeed()) })
			Expect(lab.Silence(ctx, "rack0-tor1")).To(Succeed())
			for _, n := range nodes() {
				reached(ctx, n)
			}
		})

		It("become unhealthy by a failed unit, with the reason, and healthy again", func(ctx SpecContext) {
			n := nodes()[0]
			_, err := lab.Exec(ctx, n.Name, "systemd-run", "--wait", "--unit", "broken", "false")
			Expect(err).To(HaveOccurred())
			awaitState(ctx, nodes()[:1], "unhealthy")
			Expect(listed(ctx, n).Reason).To(ContainSubstring("broken.service"))
			on(ctx, n, "systemctl", "reset-failed", "broken")
			awaitState(ctx, nodes(), "healthy")
		})

		It("are in the metrics of the leader only", func(ctx SpecContext) {
			const metric = `neco_state_setter_machines{state="healthy"} `
			Eventually(ctx, func() (found []string, err error) {
				for _, lrn := range all {
					text, err := lab.Exec(ctx, "boot-2", "curl", "-sS", "--fail", "http://"+lab.Address(necotest.Server(lrn), "node0").String()+":8213/metrics")
					if err != nil {
						return nil, err
					}
					for line := range strings.Lines(text) {
						if count, ok := strings.CutPrefix(line, metric); ok {
							found = append(found, fmt.Sprint("boot-", lrn, " ", strings.TrimSpace(count)))
						}
					}
				}
				return found, nil
			}).WithTimeout(limit).WithPolling(poll).Should(Equal([]string{fmt.Sprint(lab.StateSetters(ctx)[0], " ", len(all)+len(nodes()))}))
		})

		It("are judged by another boot server after the leader was killed", func(ctx SpecContext) {
			leader := lab.StateSetters(ctx)[0]
			_, err := lab.Exec(ctx, leader, "systemctl", "kill", "--signal=KILL", "--kill-whom=main", "sabakan-state-setter")
			Expect(err).NotTo(HaveOccurred())
			Eventually(func() string { return lab.StateSetters(ctx)[0] }).WithTimeout(limit).WithPolling(poll).ShouldNot(Equal(leader))
			n := nodes()[0]
			_, err = lab.Exec(ctx, n.Name, "systemd-run", "--wait", "--unit", "broken", "false")
			Expect(err).To(HaveOccurred())
			awaitState(ctx, nodes()[:1], "unhealthy")
			on(ctx, n, "systemctl", "reset-failed", "broken")
			awaitState(ctx, nodes(), "healthy")
		})

		It("restart in a fresh file system with the same disk", func(ctx SpecContext) {
			n := nodes()[1]
			on(ctx, n, "touch", "/etc/mark")
			disk := on(ctx, n, "cat", "/var/lib/docker/.crypt-id")
			began := time.Now()
			lab.Run(ctx, 1, "neco", "reboot-and-wait", "--yes", n.Server.Serial)
			suite.Print("restart of a node until it is healthy: %s", time.Since(began).Round(time.Second))
			Expect(on(ctx, n, "cat", "/var/lib/docker/.crypt-id")).To(Equal(disk))
			_, err := lab.Exec(ctx, n.Name, "test", "-e", "/etc/mark")
			Expect(err).To(HaveOccurred())
			awaitState(ctx, nodes(), "healthy")
		})

		It("keep their states while their rack is lost", func(ctx SpecContext) {
			rack := []string{"boot-0", nodes()[0].Name, nodes()[1].Name}
			for _, name := range rack {
				Expect(lab.Kill(ctx, name)).To(Succeed())
			}
			Eventually(ctx, func() (string, error) { return lab.Exec(ctx, "boot-1", "neco", "nodes") }).
				WithTimeout(limit).WithPolling(poll).Should(ContainSubstring("held back: rack 0"))
			states := func() (string, error) { return lab.Exec(ctx, "boot-1", "sh", "-c", listStates) }
			Consistently(ctx, states).WithTimeout(lost).WithPolling(poll).ShouldNot(ContainSubstring("unreachable"))
			for _, name := range rack {
				Expect(lab.PowerOn(ctx, name)).To(Succeed())
			}
			for _, name := range rack {
				Expect(lab.Await(ctx, name)).To(Succeed())
			}
			Eventually(ctx, func() error {
				_, err := lab.Exec(ctx, "boot-0", "curl", "-sS", "--fail", "-o", "/dev/null", "http://127.0.0.1:10080/health")
				return err
			}).WithTimeout(limit).WithPolling(poll).Should(Succeed(), "sabakan of boot server 0")
			awaitState(ctx, nodes(), "healthy")
			Expect(lab.Complete(ctx, "boot-1", first, limit)).To(Succeed())
		})

		It("lose their keys, and are switched off, when they retire", func(ctx SpecContext) {
			n := nodes()[2]
			key := "http://127.0.0.1:10080/api/v1/crypts/" + n.Server.Serial + "/" + strings.TrimSpace(on(ctx, n, "cat", "/var/lib/docker/.crypt-id"))
			lab.Run(ctx, 0, "curl", "-sS", "--fail", "-o", "/dev/null", key)
			lab.Run(ctx, 0, "sabactl", "machines", "set-state", n.Server.Serial, "retiring")
			awaitState(ctx, nodes()[2:], "retired")
			_, err := lab.Exec(ctx, "boot-0", "curl", "-sS", "--fail", "-o", "/dev/null", key)
			Expect(err).To(MatchError(ContainSubstring("404")))
			Expect(lab.Run(ctx, 0, "neco", "power", "status", n.Server.Serial)).To(ContainSubstring("Off"))
			awaitState(ctx, nodes()[:2], "healthy")
		})
	})
}

// reached expects that the boot server of the last rack reaches a node at its address, with which
// the node answers.
func reached(ctx SpecContext, n cluster.Node) {
	GinkgoHelper()
	Eventually(ctx, func() error {
		_, err := lab.Exec(ctx, "boot-2", "ping", "-n", "-c", "1", "-W", "1", lab.Address(n.Name, "node0").String())
		return err
	}).WithTimeout(limit).WithPolling(poll).Should(Succeed(), n.Name)
}

// listed returns what neco nodes says about a node.
func listed(ctx SpecContext, n cluster.Node) fleet.Node {
	GinkgoHelper()
	var all fleet.Overview
	Expect(json.Unmarshal([]byte(lab.Run(ctx, 1, "neco", "nodes", "-o", "json")), &all)).To(Succeed())
	for _, r := range all.Nodes {
		if r.Serial == n.Server.Serial {
			return r
		}
	}
	Fail("neco nodes does not list " + n.Name)
	return fleet.Node{}
}
