//go:build dctest

package fabric

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/dctesting"
)

var _ = Describe("a second data centre beside it", Ordered, func() {
	It("has the same addresses and names, and neither sees the other", func(ctx SpecContext) {
		stop := probeFarthest(ctx)
		began := time.Now()
		second, err := dctesting.Up(ctx, "second", "dctest/menu.yml")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx SpecContext) { Expect(second.Down(ctx)).To(Succeed()) })
		report("the second data centre is up after %s", time.Since(began).Round(time.Millisecond))
		server := dc.Servers()[0]
		Expect(second.Servers()).To(Equal(dc.Servers()))

		Expect(dc.Write(ctx, server, "/var/lib/mark", strings.NewReader("first"), 0o600)).To(Succeed())
		_, err = second.Read(ctx, server, "/var/lib/mark")
		Expect(err).To(HaveOccurred(), "the data centres must not share disks")

		Expect(second.Kill(ctx, server)).To(Succeed())
		Expect(second.Silence(ctx, "core")).To(Succeed())
		healthy(ctx)
		Expect(second.Heal(ctx)).To(Succeed())
		Expect(second.PowerOn(ctx, server)).To(Succeed())
		Expect(second.Await(ctx, server)).To(Succeed())
		img, err := neco.CurrentArtifacts.FindContainerImage("serf")
		Expect(err).NotTo(HaveOccurred())
		Expect(second.Exec(ctx, server, "docker", "pull", "-q", img.FullName(false))).NotTo(BeEmpty())

		Expect(second.Down(ctx)).To(Succeed())
		Expect(dctesting.Leftovers(ctx, "second")).To(BeEmpty())
		healthy(ctx)
		Expect(dc.Read(ctx, server, "/var/lib/mark")).To(Equal("first"))
		gap := stop()
		report("the longest gap in the first data centre is %s", gap)
		Expect(gap).To(BeNumerically("<", moveLimit))
	})

	for _, part := range []struct{ what, pattern string }{
		{"the first switch exists", "/run/netns/pm-crash-spine1"},
		{"the first server exists", "/run/netns/pm-crash-boot-0"},
		{"the proxy is about to start", "/etc/netns/pm-crash-core"},
	} {
		It("leaves nothing behind, also if placemat is killed when "+part.what, func(ctx SpecContext) {
			killedUp(ctx, part.pattern)
			Expect(byHand(ctx, "down")).To(ContainSubstring("removed"))
			Expect(dctesting.Leftovers(ctx, "crash")).To(BeEmpty())
			healthy(ctx)
		})
	}

	It("starts again after all its processes were killed", func(ctx SpecContext) {
		Expect(byHand(ctx, "up")).To(ContainSubstring("all boot servers are running"))
		DeferCleanup(func(ctx SpecContext) { Expect(byHand(ctx, "down")).To(ContainSubstring("removed")) })
		_, err := byHand(ctx, "up")
		Expect(err).To(MatchError(ContainSubstring("placemat down ends it")), "it is up")
		killEverything(ctx)
		Expect(byHand(ctx, "up")).To(And(ContainSubstring("in which no process runs"), ContainSubstring("all boot servers are running")))
		healthy(ctx)
	})

	It("can be owned by a test, which first ends the data centre of a killed test", func(ctx SpecContext) {
		killedUp(ctx, "/etc/netns/pm-crash-core")
		own, err := dctesting.Up(ctx, "crash", "dctest/menu.yml")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx SpecContext) { Expect(own.Down(ctx)).To(Succeed()) })
		for _, verb := range []string{"up", "down", "clean"} {
			_, err := byHand(ctx, verb)
			Expect(err).To(MatchError(ContainSubstring("data centre crash is in use by a test")))
		}
		_, err = dctesting.Up(ctx, "crash", "dctest/menu.yml")
		Expect(err).To(MatchError(ContainSubstring("another test")))
		Expect(own.EventuallyHealthy(ctx, deadline)).To(Succeed())
		Expect(own.Down(ctx)).To(Succeed())
		Expect(byHand(ctx, "down")).To(ContainSubstring("0 namespaces"), "the data centre has ended")
		healthy(ctx)
	})
})

// byHand runs a command of dctest/dc on the data centre "crash", as a person does.
func byHand(ctx context.Context, verb string) (string, error) {
	root, err := dctesting.Root()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(root, "dctest/dc"), verb, "crash").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return string(out), err
}

// killedUp starts the data centre "crash", and kills the processes that start it as
// soon as file exists.
func killedUp(ctx context.Context, file string) {
	GinkgoHelper()
	root, err := dctesting.Root()
	Expect(err).NotTo(HaveOccurred())
	cmd := exec.CommandContext(ctx, filepath.Join(root, "dctest/dc"), "up", "crash")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	Expect(cmd.Start()).To(Succeed())
	Eventually(ctx, func() error { _, err := os.Stat(file); return err }).
		WithTimeout(deadline).WithPolling(time.Millisecond).Should(Succeed())
	Expect(syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)).To(Succeed())
	var exit *exec.ExitError
	Expect(errors.As(cmd.Wait(), &exit)).To(BeTrue())
	Expect(dctesting.Leftovers(ctx, "crash")).NotTo(BeEmpty())
}

// killEverything kills the processes of the data centre "crash" until none is left.
func killEverything(ctx context.Context) {
	GinkgoHelper()
	namespaces, err := filepath.Glob("/run/netns/pm-crash-*")
	Expect(err).NotTo(HaveOccurred())
	Expect(namespaces).NotTo(BeEmpty())
	Eventually(ctx, func(g Gomega) {
		left := 0
		for _, ns := range namespaces {
			out, err := exec.CommandContext(ctx, "ip", "netns", "pids", filepath.Base(ns)).Output()
			g.Expect(err).NotTo(HaveOccurred())
			for _, text := range strings.Fields(string(out)) {
				pid, err := strconv.Atoi(text)
				g.Expect(err).NotTo(HaveOccurred())
				left++
				_ = syscall.Kill(pid, syscall.SIGKILL) // the process may have ended by itself
			}
		}
		g.Expect(left).To(BeZero())
	}).WithTimeout(deadline).Should(Succeed())
}
