//go:build dctest

package fabric

import (
	"fmt"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/dctesting"
)

const (
	// deadline bounds every wait of the suite. All of them normally take seconds.
	deadline = 3 * time.Minute
	poll     = 100 * time.Millisecond
)

var dc *dctesting.DC

func TestFabric(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "fabric")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	var err error
	dc, err = dctesting.Use(ctx)
	Expect(err).NotTo(HaveOccurred())
	dc.Say = func(format string, args ...any) { GinkgoWriter.Printf(format+"\n", args...) }
	Expect(dc.Heal(ctx)).To(Succeed())
	for _, s := range dc.Servers() {
		Expect(dc.PowerOn(ctx, s)).To(Succeed())
		Expect(dc.Await(ctx, s)).To(Succeed())
	}
	healthy(ctx)
})

// healthy waits until all links are up and all sessions are established.
func healthy(ctx SpecContext) {
	GinkgoHelper()
	Expect(dc.EventuallyHealthy(ctx, deadline)).To(Succeed())
}

// announced returns the addresses that a boot server announces.
func announced(server string) []netip.Addr {
	return []netip.Addr{dc.Address(server, "node0"), dc.Address(server, "bastion")}
}

// ping sends one echo request, and returns an error if no reply arrives.
func ping(ctx SpecContext, from string, to netip.Addr) error {
	_, err := dc.ExecInNetwork(ctx, from, "ping", "-n", "-c1", "-W1", to.String())
	return err
}

// eventuallyPing waits until an echo request gets a reply.
func eventuallyPing(ctx SpecContext, from string, to netip.Addr) {
	GinkgoHelper()
	Eventually(ctx, func() error { return ping(ctx, from, to) }).WithTimeout(deadline).Should(Succeed())
}

// ssh returns a command that runs on a server through SSH from the operation network.
func ssh(ctx SpecContext, server string, command ...string) *exec.Cmd {
	GinkgoHelper()
	cmd, err := dc.SSH(ctx, server, command...)
	Expect(err).NotTo(HaveOccurred())
	return cmd
}

// report prints a measurement, even if the test passes.
func report(format string, args ...any) { fmt.Printf("    "+format+"\n", args...) }
