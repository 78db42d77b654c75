//go:build dctest

package functions

import (
	"encoding/json"
	"regexp"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/nexttag"
	"github.com/cybozu-go/neco/dctest/suite"
)

func updateSpecs() {
	Describe("an update", func() {
		BeforeAll(func(ctx SpecContext) { lab.FollowReleases(ctx) })

		It("without changes restarts no service and uploads one template a role", func(ctx SpecContext) {
			deliver(ctx, "2026.11.21-2", firstCKE) // files of the environment prod
			const quiet = "2026.11.21-3"
			before, services, resources, received := ids(ctx), pids(ctx), resourceRevisions(ctx), receivedBySabakan(ctx)
			served, err := lab.Served()
			Expect(err).NotTo(HaveOccurred())
			took := deliver(ctx, quiet, firstCKE)
			suite.Print("last installation to complete without changes: %s", took.Round(time.Millisecond))
			lab.PrintSteps(ctx, 0, quiet)
			Expect(took).To(BeNumerically("<", suite.FailAtFactor*quietAim))
			Expect(pids(ctx)).To(Equal(services))
			Expect(resourceRevisions(ctx)).To(Equal(resources), "the revisions of CKE's user resources")
			after := ids(ctx)
			for _, role := range roles {
				Expect(ignitions(ctx, role)).To(HaveLen(3), role)
				delete(before, role)
				delete(after, role)
			}
			Expect(after).To(Equal(before))
			sent := receivedBySabakan(ctx)
			Expect(sent["ignitions"].Requests - received["ignitions"].Requests).To(Equal(len(roles)))
			delete(sent, "ignitions")
			delete(received, "ignitions")
			Expect(sent).To(Equal(received))
			now, err := lab.Served()
			Expect(err).NotTo(HaveOccurred())
			for _, s := range now[len(served):] {
				Expect(s.Path).NotTo(ContainSubstring("/blobs/"), "the registry %s has sent %d bytes", s.Host, s.Bytes)
			}
		})

		It("with another version of CKE never runs two of them, and uses the configured accounts", func(ctx SpecContext) {
			setAccounts(ctx, "first")
			deb, err := lab.PackageWithCKE(ctx, "2026.11.22-1", "1.22.6", withSetupHW(nexttag.Of))
			Expect(err).NotTo(HaveOccurred())
			took := lab.Deliver(ctx, deb, "2026.11.22-1", all, limit).SinceInstalled
			suite.Print("last installation to complete with another CKE: %s", took.Round(time.Millisecond))
			runs(ctx, "1.22.6", all...)
			Expect(served(ctx)).To(And(ContainElement(account("first")), ContainElement(webhook("first"))))
		})

		It("whose worker is killed between the stop and the start of CKE completes", func(ctx SpecContext) {
			pkg, err := lab.PackageWithCKE(ctx, "2026.11.22-2", "1.22.7", nil)
			Expect(err).NotTo(HaveOccurred())
			Expect(lab.Publish(pkg)).To(Succeed())
			stopped(ctx, 1)
			lab.Run(ctx, 1, "systemctl", "kill", "--signal=KILL", "neco-worker")
			Expect(lab.Complete(ctx, "boot-0", "2026.11.22-2", limit)).To(Succeed())
			runs(ctx, "1.22.7", all...)
		})

		It("that loses a server while CKE is stopped ends cleanly, and CKE runs again", func(ctx SpecContext) {
			pkg, err := lab.PackageWithCKE(ctx, last, lastCKE, nil)
			Expect(err).NotTo(HaveOccurred())
			Expect(lab.Publish(pkg)).To(Succeed())
			stopped(ctx, 2)
			Expect(lab.Kill(ctx, "boot-2")).To(Succeed())
			lab.Run(ctx, 0, "neco", "stop", "--reason", "boot server 2 has lost power")
			ended := time.Now()
			for _, lrn := range []int{0, 1} {
				Eventually(ctx, func() (string, error) {
					return lab.Exec(ctx, necotest.Server(lrn), "curl", "-sS", "http://127.0.0.1:10180/version")
				}).WithTimeout(suite.FailAtFactor*backAim - time.Since(ended)).WithPolling(poll).Should(ContainSubstring("1.22."))
			}
			suite.Print("stop of the update to CKE running: %s", time.Since(ended).Round(time.Millisecond))
			Expect(lab.PowerOn(ctx, "boot-2")).To(Succeed())
			lab.Run(ctx, 0, "neco", "recover")
			Expect(lab.Complete(ctx, "boot-0", last, limit)).To(Succeed())
			runs(ctx, lastCKE, all...)
		})
	})
}

// received is what sabakan has received of one kind.
type received struct {
	Requests int   `json:"requests"`
	Bytes    int64 `json:"bytes"`
}

// receivedBySabakan returns what the sabakan of all boot servers have received, by kind.
func receivedBySabakan(ctx SpecContext) map[string]received {
	GinkgoHelper()
	sum := map[string]received{}
	for _, lrn := range all {
		var one map[string]received
		Expect(json.Unmarshal([]byte(lab.Run(ctx, lrn, "curl", "-sS", "http://127.0.0.1:10080/standin/received")), &one)).To(Succeed())
		for kind, r := range one {
			sum[kind] = received{sum[kind].Requests + r.Requests, sum[kind].Bytes + r.Bytes}
		}
	}
	return sum
}

// stopped waits until CKE is stopped on a server.
func stopped(ctx SpecContext, lrn int) {
	GinkgoHelper()
	Eventually(ctx, func() (string, error) {
		return lab.Exec(ctx, necotest.Server(lrn), "journalctl", "-u", "cke", "--no-pager", "-n", "1", "-o", "cat")
	}).WithTimeout(limit).WithPolling(20 * time.Millisecond).Should(ContainSubstring("Stopped"))
}

// runs checks that CKE runs with this version, and that no other version has run beside it.
func runs(ctx SpecContext, version string, lrns ...int) {
	GinkgoHelper()
	for _, lrn := range lrns {
		Expect(lab.Run(ctx, lrn, "curl", "-sS", "http://127.0.0.1:10180/version")).To(ContainSubstring(version))
		Expect(lab.Run(ctx, lrn, "journalctl", "-u", "cke", "--no-pager")).NotTo(ContainSubstring("ANOTHER VERSION RUNS"))
	}
}

// deliver publishes a package and waits until it is installed and its update is complete. It
// returns the time from the last installation to the completion.
func deliver(ctx SpecContext, version, cke string) time.Duration {
	GinkgoHelper()
	pkg, err := lab.PackageWithCKE(ctx, version, cke, nil)
	Expect(err).NotTo(HaveOccurred())
	return lab.Deliver(ctx, pkg, version, all, limit).SinceInstalled
}

// resourceRevisions returns the keys of CKE's user resources with the revisions of their last
// writes.
func resourceRevisions(ctx SpecContext) []string {
	GinkgoHelper()
	out := lab.Etcdctl(ctx, 0, "get", "--prefix", "--keys-only", "-w", "fields", "/cke/resource/")
	all := regexp.MustCompile(`(?m)^"(Key|ModRevision)" : .*$`).FindAllString(out, -1)
	Expect(all).NotTo(BeEmpty())
	return all
}

// pids returns the main processes of the services that an update without changes must not
// restart.
func pids(ctx SpecContext) map[string]string {
	GinkgoHelper()
	return lab.Pids(ctx, all, "etcd-container", "vault", "setup-hw", "serf", "sabakan", "sabakan-state-setter", "cke", "cke-localproxy", "ep-agent", "promtail")
}
