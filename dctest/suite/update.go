//go:build dctest

package suite

import (
	"regexp"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
)

// Times are the durations of an update.
type Times struct {
	// SinceRequest is the time from the publication of the release to the completion.
	SinceRequest time.Duration
	// SinceInstalled is the time from the installation on the last boot server to the
	// completion.
	SinceInstalled time.Duration
}

// Deliver publishes the package deb of version and waits until it is installed on the boot
// servers lrns and the update is complete.
func (s *Suite) Deliver(ctx ginkgo.SpecContext, deb, version string, lrns []int, limit time.Duration) Times {
	ginkgo.GinkgoHelper()
	gomega.Expect(s.Publish(deb)).To(gomega.Succeed())
	published := time.Now()
	for _, lrn := range lrns {
		gomega.Eventually(ctx, func() (string, error) { return s.Exec(ctx, necotest.Server(lrn), "neco", "version") }).WithTimeout(limit).
			WithPolling(50 * time.Millisecond).Should(gomega.ContainSubstring(version))
	}
	installed := time.Now()
	gomega.Expect(s.Complete(ctx, necotest.Server(lrns[0]), version, limit)).To(gomega.Succeed())
	return Times{time.Since(published), time.Since(installed)}
}

// PrintSteps prints how long each step of the update to version took on the boot server
// lrn, from the log of the worker that was installed.
func (s *Suite) PrintSteps(ctx ginkgo.SpecContext, lrn int, version string) {
	ginkgo.GinkgoHelper()
	log := s.Run(ctx, lrn, "journalctl", "-u", "neco-worker", "--no-pager", "-o", "cat")
	entered := regexp.MustCompile(`run entered.* version=`+regexp.QuoteMeta(version)).FindAllStringIndex(log, -1)
	gomega.Expect(entered).NotTo(gomega.BeEmpty())
	log = log[entered[len(entered)-1][0]:]
	for _, m := range stepFinished.FindAllStringSubmatch(log, -1) {
		Print("  %2s %-20s %s", m[1], m[2], m[3])
	}
}

var stepFinished = regexp.MustCompile(`step finished.* step=(\d+) name=(\S+) took=(\S+)`)

// Pids returns the main process of each of the units on each of the boot servers lrns.
func (s *Suite) Pids(ctx ginkgo.SpecContext, lrns []int, units ...string) map[string]string {
	ginkgo.GinkgoHelper()
	pids := map[string]string{}
	for _, lrn := range lrns {
		for _, unit := range units {
			pids[necotest.Server(lrn)+" "+unit] = strings.TrimSpace(s.Run(ctx, lrn, "systemctl", "show", "-p", "MainPID", "--value", unit))
		}
	}
	return pids
}
