//go:build dctest

package functions

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/inventory"
	"github.com/cybozu-go/neco/dctest/necotest"
)

// keptTemplates is how many templates of a role sabakan keeps.
const keptTemplates = 10

// fourth is the boot server that joins and leaves, and fourthAddress its address as
// sabakan assigns it to a machine in its rack.
const (
	fourth        = 3
	fourthAddress = "10.69.2.67"
)

func memberSpecs() {
	Describe("a boot server", func() {
		It("that joins is in the configurations and in new ignition templates", func(ctx SpecContext) {
			before := ids(ctx)
			Expect(lab.CreateMachines(ctx, "boot-0", inventory.Boot(fourth))).To(Succeed())
			deb, err := lab.PackageWithCKE(ctx, newest, lastCKE, nil)
			Expect(err).NotTo(HaveOccurred())
			Expect(lab.Fresh(ctx, deb, necotest.Server(fourth))).To(Succeed())
			text, err := lab.JoinToken(ctx, "boot-0", token, fourth)
			Expect(err).NotTo(HaveOccurred())
			Expect(lab.Write(ctx, necotest.Server(fourth), "/etc/neco/join-token", strings.NewReader(text), 0o600)).To(Succeed())
			afterRun(ctx, func() { lab.Run(ctx, fourth, "neco", "join", "0", "1", "2") })
			inConfigurations(ctx, ContainSubstring(fourthAddress))
			newTemplates(ctx, before, ContainSubstring(fourthAddress))
		})

		It("that leaves is in them no longer", func(ctx SpecContext) {
			before := ids(ctx)
			afterRun(ctx, func() {
				_, err := lab.ExecWith(ctx, strings.NewReader(token), "boot-0", "sh", "-c", fmt.Sprintf("VAULT_TOKEN=$(cat) exec neco leave %d --yes", fourth))
				Expect(err).NotTo(HaveOccurred())
			})
			inConfigurations(ctx, Not(ContainSubstring(fourthAddress)))
			newTemplates(ctx, before, Not(ContainSubstring(fourthAddress)))
		})
	})
}

// inConfigurations checks that the configurations with the addresses of all boot servers, and
// etcd's list of its members, match on each server.
func inConfigurations(ctx SpecContext, match OmegaMatcher) {
	GinkgoHelper()
	for _, lrn := range all {
		for _, file := range []string{"/etc/sabakan/config.yml", "/etc/cke/config.yml", "/etc/etcdpasswd/config.yml", "/etc/serf/serf.json"} {
			Expect(lab.Run(ctx, lrn, "cat", file)).To(match, "%s of boot server %d", file, lrn)
		}
		Expect(lab.Etcdctl(ctx, lrn, "member", "list")).To(match, "members of etcd by boot server %d", lrn)
	}
}

// newTemplates checks that, since sabakan had the contents before, each role has exactly
// one more ignition template, which matches, and that nothing else was uploaded.
func newTemplates(ctx SpecContext, before map[string]string, match OmegaMatcher) {
	GinkgoHelper()
	after := ids(ctx)
	for _, role := range roles {
		Expect(after[role]).NotTo(Equal(before[role]), role)
		list := ignitions(ctx, role)
		newest := list[len(list)-1]
		want := append(strings.Fields(strings.Trim(before[role], "[]")), newest)
		Expect(list).To(Equal(want[max(0, len(want)-keptTemplates):]), role)
		Expect(lab.Run(ctx, 0, "sabactl", "ignitions", "get", role, newest)).To(match, "%s %s", role, newest)
		delete(before, role)
		delete(after, role)
	}
	Expect(after).To(Equal(before))
}

// afterRun calls act, which requests an update, and waits until the update is complete.
func afterRun(ctx SpecContext, act func()) {
	GinkgoHelper()
	before := lab.History(ctx)
	act()
	lab.NextRun(ctx, before, limit)
}
