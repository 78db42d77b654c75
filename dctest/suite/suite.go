//go:build dctest

// Package suite is the common part of the suites that test Neco in a virtual data centre of
// their own: it starts the data centre, runs commands on boot servers, and prints
// measurements and, after a failure, the logs of the servers.
//
// It must not know what a suite asserts.
package suite

import (
	"context"
	"fmt"
	"strings"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
)

// FailAtFactor is the factor by which a time must exceed its aim for a test to fail, because
// machines are shared.
const FailAtFactor = 10

// Proxy is the URL of the proxy to the simulated internet.
const Proxy = "http://10.0.49.3:3128"

// Suite is a suite with its data centre, which exists as soon as the specs run.
type Suite struct {
	*necotest.Lab
	// Password is the password of Vault's user admin. The suite sets it after neco setup.
	Password string
}

// New returns a suite whose data centre has the given name and the menu in the file menu,
// relative to the root of the repository. The data centre is started before the specs and
// ended after them; with the environment variable DC the suite uses the data centre of that
// name. New must be called while the variables of a package are initialised.
//
// After a failed spec, the last lines in the journal of units are printed.
func New(name, menu string, units ...string) *Suite {
	s := &Suite{}
	ginkgo.BeforeSuite(func(ctx ginkgo.SpecContext) {
		lab, end, err := necotest.Open(ctx, name, menu)
		gomega.Expect(err).NotTo(gomega.HaveOccurred())
		s.Lab = lab
		ginkgo.DeferCleanup(func(ctx ginkgo.SpecContext) { gomega.Expect(end(ctx)).To(gomega.Succeed()) })
		lab.Say = func(format string, args ...any) { ginkgo.GinkgoWriter.Printf(format+"\n", args...) }
	})
	// The logs are printed at once because they are deleted with the data centre.
	ginkgo.JustAfterEach(func(ctx ginkgo.SpecContext) {
		if ginkgo.CurrentSpecReport().Failed() && s.Lab != nil {
			s.printLogs(ctx, units)
		}
	})
	return s
}

func (s *Suite) printLogs(ctx context.Context, units []string) {
	script := "neco status; systemctl --failed --no-legend; journalctl --no-pager -o short-precise -n 60 -u neco-worker"
	if len(units) > 0 {
		script += "; journalctl --no-pager -o short-precise -n 40 -u " + strings.Join(units, " -u ")
	}
	for _, server := range s.Servers() {
		said, err := s.Exec(ctx, server, "sh", "-c", script)
		fmt.Printf("--- %s: %v\n%s\n", server, err, said)
	}
}

// Run runs a command on the boot server lrn and returns its output. The command must
// succeed.
func (s *Suite) Run(ctx ginkgo.SpecContext, lrn int, name string, args ...string) string {
	ginkgo.GinkgoHelper()
	out, err := s.Exec(ctx, necotest.Server(lrn), name, args...)
	gomega.Expect(err).NotTo(gomega.HaveOccurred())
	return out
}

// Print prints a measurement, even if the test passes.
func Print(format string, args ...any) { fmt.Printf("    "+format+"\n", args...) }
