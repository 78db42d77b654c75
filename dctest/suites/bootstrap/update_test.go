//go:build dctest

package bootstrap

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/nexttag"
	"github.com/cybozu-go/neco/dctest/suite"
)

// release is a release to publish, and the services that it restarts.
type release struct {
	version string
	change  func(string) string
	etcd    bool
	vault   bool
}

// nextEtcd returns the text of artifacts.go with the next tag of etcd's image. The images with
// both tags have the same programs.
func nextEtcd(artifacts string) string { return nexttag.Image(artifacts, "etcd", nexttag.Of) }

// nextVault returns the text of artifacts.go with the next tag of Vault's image, too.
func nextVault(artifacts string) string {
	return nexttag.Image(nextEtcd(artifacts), "vault", nexttag.Of)
}

func updateSpecs() {
	Describe("a release", func() {
		BeforeAll(func(ctx SpecContext) {
			Expect(lab.Build(ctx, "probe", "boot-0")).To(Succeed())
			lab.FollowReleases(ctx)
		})

		It("that changes neither etcd nor Vault restarts neither", func(ctx SpecContext) {
			var sinceRequest, sinceInstalled []time.Duration
			for i := range runs() {
				times := deliver(ctx, release{version: fmt.Sprintf("2026.11.21-%d", 2+i)})
				sinceRequest, sinceInstalled = append(sinceRequest, times.SinceRequest), append(sinceInstalled, times.SinceInstalled)
			}
			measured("request to complete", sinceRequest, updateAim)
			measured("last server's installation to complete", sinceInstalled, updateAim)
		})

		It("that meets a link cut one way is completed when the link is healed", func(ctx SpecContext) {
			pkg, err := lab.Package(ctx, "2026.11.21-9", nil)
			Expect(err).NotTo(HaveOccurred())
			leader := etcdLeader(ctx)
			others := slices.DeleteFunc(slices.Clone(three), func(lrn int) bool { return lrn == leader })
			Expect(lab.Publish(pkg)).To(Succeed())
			Eventually(ctx, func() (string, error) { return lab.Exec(ctx, necotest.Server(leader), "neco", "status") }).WithTimeout(limit).
				WithPolling(100 * time.Millisecond).Should(MatchRegexp(`(?m)^%d +\S+ +[1-9][0-9]*/18`, others[0]))
			Expect(lab.Cut(ctx, necotest.Server(others[0]), necotest.Server(leader), true)).To(Succeed())
			// Longer than the lease of a worker; the update may complete before.
			_ = lab.Complete(ctx, necotest.Server(others[1]), "2026.11.21-9", 20*time.Second)
			Expect(lab.Heal(ctx)).To(Succeed())
			healed := time.Now()
			Expect(lab.Complete(ctx, "boot-0", "2026.11.21-9", limit)).To(Succeed())
			suite.Print("healed to complete: %s", time.Since(healed).Round(time.Millisecond))
		})

		It("is followed by workers, and a worker that hangs is replaced", func(ctx SpecContext) {
			pid := func() (string, error) {
				return lab.Exec(ctx, "boot-1", "systemctl", "show", "-p", "MainPID", "--value", "neco-worker")
			}
			before, err := pid()
			Expect(err).NotTo(HaveOccurred())
			lab.Run(ctx, 1, "kill", "-STOP", strings.TrimSpace(before))
			stopped := time.Now()
			Eventually(ctx, pid).WithTimeout(limit).WithPolling(time.Second).ShouldNot(Or(Equal(before), Equal("0\n")))
			suite.Print("a worker that hangs is replaced after %s", time.Since(stopped).Round(time.Second))
		})

		It("that changes etcd restarts one member after the other", func(ctx SpecContext) {
			deliver(ctx, release{version: "2026.11.22-1", change: nextEtcd, etcd: true})
			runNext(ctx, "etcd")
		})

		It("that changes Vault restarts the standbys before the active node", func(ctx SpecContext) {
			deliver(ctx, release{version: "2026.11.22-2", change: nextVault, vault: true})
			runNext(ctx, "vault")
		})
	})
}

// runNext checks that each server runs the image called name with its next tag.
func runNext(ctx SpecContext, name string) {
	GinkgoHelper()
	img, err := neco.CurrentArtifacts.FindContainerImage(name)
	Expect(err).NotTo(HaveOccurred())
	img.Tag = nexttag.Of(img.Tag)
	for _, lrn := range three {
		running := strings.Fields(lab.Run(ctx, lrn, "docker", "ps", "--format", "{{.Image}}"))
		Expect(running).To(ContainElement(img.FullName(false)))
	}
}

// etcdLeader returns the boot server whose etcd member is the leader.
func etcdLeader(ctx SpecContext) int {
	GinkgoHelper()
	var v struct {
		Etcd struct{ Leader string }
	}
	Expect(json.Unmarshal([]byte(lab.Run(ctx, 0, "neco", "status", "-o", "json")), &v)).To(Succeed())
	var lrn int
	_, err := fmt.Sscanf(v.Etcd.Leader, "boot-%d", &lrn)
	Expect(err).NotTo(HaveOccurred(), "leader %q", v.Etcd.Leader)
	return lrn
}

// deliver publishes a release, waits until it is complete on all servers, and checks
// the interruptions of etcd and Vault. It returns how long the update took.
func deliver(ctx SpecContext, r release) suite.Times {
	GinkgoHelper()
	pkg, err := lab.Package(ctx, r.version, r.change)
	Expect(err).NotTo(HaveOccurred())
	etcdStarts, vaultStarts := starts(ctx, "etcd-container"), starts(ctx, "vault")
	etcd, err := lab.StartProbe(ctx, "boot-0", "etcd")
	Expect(err).NotTo(HaveOccurred())
	vault, err := lab.StartProbe(ctx, "boot-0", "vault")
	Expect(err).NotTo(HaveOccurred())
	times := lab.Deliver(ctx, pkg, r.version, three, limit)
	etcdGap, err := etcd.Stop()
	Expect(err).NotTo(HaveOccurred())
	vaultGap, err := vault.Stop()
	Expect(err).NotTo(HaveOccurred())
	suite.Print("etcd: %d writes, longest gap %s, at most %d members down; Vault: %d reads, longest gap %s",
		etcdGap.Answers, etcdGap.Longest.Round(time.Millisecond), etcdGap.Worst, vaultGap.Answers, vaultGap.Longest.Round(time.Millisecond))
	Expect(etcdGap.Answers).To(BeNumerically(">", 10))
	Expect(vaultGap.Answers).To(BeNumerically(">", 3))
	restarted(ctx, "etcd-container", etcdStarts, r.etcd)
	restarted(ctx, "vault", vaultStarts, r.vault)
	if r.etcd {
		Expect(etcdGap.Worst).To(Equal(1), "members down at once; with 0 the probe has missed the restarts")
	} else {
		Expect(etcdGap.Worst).To(BeZero())
	}
	Expect(etcdGap.Longest).To(BeNumerically("<", suite.FailAtFactor*suite.EtcdGapAim))
	Expect(vaultGap.Longest).To(BeNumerically("<", suite.FailAtFactor*vaultGapAim))
	suite.Print("request to complete: %s; last installation to complete: %s", times.SinceRequest.Round(time.Millisecond), times.SinceInstalled.Round(time.Millisecond))
	return times
}

// starts returns how often a unit was started on each server.
func starts(ctx SpecContext, unit string) map[int]int {
	GinkgoHelper()
	return lab.Starts(ctx, three, unit)
}

// restarted checks that each server has started the unit once more if want is set, and
// not at all otherwise.
func restarted(ctx SpecContext, unit string, before map[int]int, want bool) {
	GinkgoHelper()
	for lrn, n := range starts(ctx, unit) {
		if want {
			n--
		}
		Expect(n).To(Equal(before[lrn]), "starts of %s on %s", unit, necotest.Server(lrn))
	}
}
