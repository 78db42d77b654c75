//go:build dctest

package bootstrap

import (
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/suite"
	"github.com/cybozu-go/neco/pkg/setup"
)

func setupSpecs() {
	Describe("neco setup", func() {
		It("refuses invalid arguments, and changes nothing", func(ctx SpecContext) {
			Expect(lab.Fresh(ctx, deb, necotest.Servers(three...)...)).To(Succeed())
			for _, c := range []struct {
				args []string
				want string
			}{
				{[]string{"setup", "0", "1"}, "at least 3"},
				{[]string{"setup", "1", "2", "3"}, "not among"},
				{[]string{"setup", "0", "1", "1"}, "twice"},
				{[]string{"setup", "0", "1", "x"}, "is not a logical rack number"},
				{[]string{"setup", "--recovery-recipient", "me", "0", "1", "2"}, "recovery"},
				{[]string{"setup", "0", "1", "2"}, "setup-token"},
			} {
				_, err := lab.Exec(ctx, "boot-0", "neco", c.args...)
				Expect(err).To(MatchError(ContainSubstring(c.want)), strings.Join(c.args, " "))
			}
			_, err := lab.Exec(ctx, "boot-0", "env", "HTTPS_PROXY="+suite.Proxy, "neco", "setup", "0", "1", "2")
			Expect(err).To(MatchError(ContainSubstring("HTTPS_PROXY")))
			_, err = lab.Exec(ctx, "boot-0", "ls", "/var/lib/neco/setup")
			Expect(err).To(HaveOccurred())
		})

		It("checks the servers, and changes nothing", func(ctx SpecContext) {
			_, err := lab.Tokens(ctx, necotest.Servers(three...)...)
			Expect(err).NotTo(HaveOccurred())
			all, err := lab.SetUp(ctx, three, "--check")
			Expect(err).NotTo(HaveOccurred())
			for _, s := range all {
				Expect(s.Text()).To(ContainSubstring("ready"))
			}
			_, err = lab.Exec(ctx, "boot-0", "ls", "/var/lib/neco/setup")
			Expect(err).To(HaveOccurred())
		})

		It("brings three servers up", func(ctx SpecContext) {
			var times []time.Duration
			for i := range runs() {
				if i > 0 {
					Expect(lab.Fresh(ctx, deb, necotest.Servers(three...)...)).To(Succeed())
				}
				times = append(times, setUp(ctx, false))
			}
			measured("neco setup of three servers", times, setupAim)
		})

		It("reveals no secret on a link, in an argument or in a journal", func(ctx SpecContext) {
			Expect(lab.Fresh(ctx, deb, necotest.Servers(three...)...)).To(Succeed())
			setUp(ctx, true)
		})

		It("reports that the data centre is already set up when it is run again", func(ctx SpecContext) {
			Expect(lab.Run(ctx, 1, "neco", "setup", "0", "1", "2")).To(ContainSubstring("set up already"))
			_, err := lab.Exec(ctx, "boot-1", "neco", "setup", "0", "1", "3")
			Expect(err).To(MatchError(ContainSubstring("boot server 3 is not in its data centre")))
		})
	})
}

// setUp runs neco setup once and returns its duration. If watched is set, it keeps the
// root token and checks that no secret is revealed.
func setUp(ctx SpecContext, watched bool) time.Duration {
	GinkgoHelper()
	token, err := lab.Tokens(ctx, necotest.Servers(three...)...)
	Expect(err).NotTo(HaveOccurred())
	var stop func(map[string]string)
	flags := []string{"--proxy", suite.Proxy}
	if watched {
		stop = lab.WatchForSecrets(ctx, "setup", three...)
		flags = append(flags, "--no-revoke") // one secret more
	}
	began := time.Now()
	all, err := lab.SetUp(ctx, three, flags...)
	took := time.Since(began)
	Expect(err).NotTo(HaveOccurred())
	lab.Password = all[0].Password()
	Expect(lab.Password).NotTo(BeEmpty())
	stages := all[0].Stages()
	for _, name := range setup.Stages() {
		Expect(stages).To(HaveKey(name))
		suite.Print("  %-12s %s", name, stages[name])
	}
	for _, lrn := range three {
		Expect(lab.Run(ctx, lrn, "neco", "backup", "list")).To(ContainSubstring("snapshot-"))
	}
	suite.Print("setup: %s", took.Round(10*time.Millisecond))
	if watched {
		found := lab.Secrets(ctx, three...)
		found["the setup token"] = token
		Expect(len(found)).To(BeNumerically(">", 20))
		stop(found)
	}
	return took
}
