//go:build dctest

package fabric

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/dctesting"
)

var _ = Describe("a second data centre beside it", Ordered, func() {
	It("has the same addresses and names, and neither sees the other", func(ctx SpecContext) {
		stop := probeFarthest(ctx)
		began := time.Now()
		second, err := dctesting.Up(ctx, "second", "dctest/menu.yml")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(func(ctx SpecContext) { Expect(second.Down(ctx)).To(Succeed()) })
		report("the second one is up after %s", time.Since(began).Round(time.Millisecond))
		server := dc.Servers()[0]
		Expect(second.Servers()).To(Equal(dc.Servers()))

		Expect(dc.Write(ctx, server, "/var/lib/mark", strings.NewReader("first"), 0o600)).To(Succeed())
		_, err = second.Read(ctx, server, "/var/lib/mark")
		Expect(err).To(HaveOccurred(), "the disks are not the same")

		Expect(second.Kill(ctx, server)).To(Succeed())
		Expect(second.Silence(ctx, "core")).To(Succeed())
		healthy(ctx)
		Expect(second.Heal(ctx)).To(Succeed())
		Expect(second.PowerOn(ctx, server)).To(Succeed())
		Expect(second.Await(ctx, server)).To(Succeed())
		Expect(second.Exec(ctx, server, "docker", "pull", "-q", "quay.io/cybozu/serf:0.9.7.1")).NotTo(BeEmpty())

		Expect(second.Down(ctx)).To(Succeed())
		Expect(dctesting.Leftovers(ctx, "second")).To(BeEmpty())
		healthy(ctx)
		Expect(dc.Read(ctx, server, "/var/lib/mark")).To(Equal("first"))
		gap := stop()
		report("the longest gap in the first one is %s", gap)
		Expect(gap).To(BeNumerically("<", moveLimit))
	})

	for _, part := range []struct{ what, pattern string }{
		{"the first switch is there", "/run/netns/pm-crash-spine1"},
		{"the first server is there", "/run/netns/pm-crash-boot-0"},
		{"the proxy is about to start", "/etc/netns/pm-crash-core"},
	} {
		It("leaves nothing, also if placemat is killed when "+part.what, func(ctx SpecContext) {
			root, err := dctesting.Root()
			Expect(err).NotTo(HaveOccurred())
			cmd := exec.CommandContext(ctx, filepath.Join(root, "dctest/dc"), "up", "crash")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			Expect(cmd.Start()).To(Succeed())
			Eventually(ctx, func() error { _, err := os.Stat(part.pattern); return err }).
				WithTimeout(deadline).WithPolling(time.Millisecond).Should(Succeed())
			Expect(syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)).To(Succeed())
			var exit *exec.ExitError
			Expect(errors.As(cmd.Wait(), &exit)).To(BeTrue())
			Expect(dctesting.Leftovers(ctx, "crash")).NotTo(BeEmpty())

			out, err := exec.CommandContext(ctx, filepath.Join(root, "dctest/dc"), "down", "crash").CombinedOutput()
			Expect(err).NotTo(HaveOccurred(), string(out))
			Expect(dctesting.Leftovers(ctx, "crash")).To(BeEmpty())
			healthy(ctx)
		})
	}
})
