//go:build dctest

package suite

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
)

// FollowReleases configures the data centre to search for releases every second and to
// install those of the environment prod.
func (s *Suite) FollowReleases(ctx ginkgo.SpecContext) {
	ginkgo.GinkgoHelper()
	s.Run(ctx, 0, "neco", "config", "set", "check-update-interval", "1s")
	s.Run(ctx, 0, "neco", "config", "set", "env", "prod")
}

// History returns the number of lines of neco history.
func (s *Suite) History(ctx ginkgo.SpecContext) int {
	ginkgo.GinkgoHelper()
	return strings.Count(s.Run(ctx, 0, "neco", "history"), "\n")
}

// NextRun waits until the history has more than before lines, which [Suite.History] has
// returned, and the update is complete.
func (s *Suite) NextRun(ctx ginkgo.SpecContext, before int, limit time.Duration) {
	ginkgo.GinkgoHelper()
	gomega.Eventually(ctx, func() (int, error) {
		out, err := s.Exec(ctx, necotest.Server(0), "neco", "history")
		return strings.Count(out, "\n"), err
	}).WithTimeout(limit).WithPolling(time.Second).Should(gomega.BeNumerically(">", before))
	s.Run(ctx, 0, "neco", "status", "--wait", "--timeout", limit.String())
}

// Times are the durations of an update.
type Times struct {
	// SinceRequest is the time from the request to the completion on the last boot server.
	SinceRequest time.Duration
	// SinceInstalled is the time from the end of the installation on the last boot server.
	SinceInstalled time.Duration
}

// Deliver publishes the package deb of version, waits until the update of the boot servers
// lrns is complete, and returns how long it took.
func (s *Suite) Deliver(ctx ginkgo.SpecContext, deb, version string, lrns []int, limit time.Duration) Times {
	ginkgo.GinkgoHelper()
	gomega.Expect(s.Publish(deb)).To(gomega.Succeed())
	gomega.Eventually(ctx, func() (string, error) { return s.Exec(ctx, necotest.Server(lrns[0]), "neco", "history") }).WithTimeout(limit).
		WithPolling(time.Second).Should(gomega.ContainSubstring(version))
	gomega.Expect(s.Complete(ctx, necotest.Server(lrns[0]), version, limit)).To(gomega.Succeed())
	return s.Times(ctx, version, lrns)
}

// started matches the time of the request in the output of neco status.
var started = regexp.MustCompile(`started (\S+ \S+)Z`)

// Times returns how long the last update of the boot servers lrns, which is to version, took,
// from their journals.
func (s *Suite) Times(ctx ginkgo.SpecContext, version string, lrns []int) Times {
	ginkgo.GinkgoHelper()
	var installed, complete time.Time
	for _, lrn := range lrns {
		if t := s.logged(ctx, lrn, `neco-install.service: Deactivated successfully`); t.After(installed) {
			installed = t
		}
		if t := s.logged(ctx, lrn, `msg="run ended".* version=`+regexp.QuoteMeta(version)+` why=complete`); t.After(complete) {
			complete = t
		}
	}
	m := started.FindStringSubmatch(s.Run(ctx, lrns[0], "neco", "status"))
	gomega.Expect(m).NotTo(gomega.BeNil())
	requested, err := time.Parse(time.DateTime, m[1])
	gomega.Expect(err).NotTo(gomega.HaveOccurred())
	return Times{complete.Sub(requested), complete.Sub(installed)}
}

// logged returns the time of the last line that matches pattern in the journal of Neco's
// units on the boot server lrn.
func (s *Suite) logged(ctx ginkgo.SpecContext, lrn int, pattern string) (last time.Time) {
	ginkgo.GinkgoHelper()
	log := s.Run(ctx, lrn, "sh", "-c", "journalctl --sync; journalctl --no-pager -o short-unix -u neco-worker -u neco-updater -u neco-install")
	for _, m := range regexp.MustCompile(`(?m)^(\d+)\.(\d{6}) .*`+pattern).FindAllStringSubmatch(log, -1) {
		var sec, micro int64
		_, err := fmt.Sscan(m[1]+" "+m[2], &sec, &micro)
		gomega.Expect(err).NotTo(gomega.HaveOccurred())
		last = time.Unix(sec, micro*1000)
	}
	gomega.Expect(last).NotTo(gomega.BeZero(), "%s is not in the journal of boot server %d", pattern, lrn)
	return last
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

// Starts returns how often a unit was started on each of the boot servers lrns, from their
// journals.
func (s *Suite) Starts(ctx ginkgo.SpecContext, lrns []int, unit string) map[int]int {
	ginkgo.GinkgoHelper()
	n := map[int]int{}
	for _, lrn := range lrns {
		log := s.Run(ctx, lrn, "journalctl", "--no-pager", "-u", unit)
		n[lrn] = strings.Count(log, "Started "+unit+".service")
	}
	return n
}

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
