//go:build dctest

package members

import (
	"slices"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/suite"
	"github.com/cybozu-go/neco/pkg/join"
	"github.com/cybozu-go/neco/pkg/pki"
)

func joinSpecs() {
	Describe("more servers", func() {
		used := map[int]string{}

		BeforeAll(func(ctx SpecContext) {
			Expect(lab.Fresh(ctx, firstDeb, necotest.Servers(3, 4)...)).To(Succeed())
			Expect(lab.Build(ctx, "probe", "boot-0")).To(Succeed())
		})

		It("are refused with the version to install, if they have another one", func(ctx SpecContext) {
			putToken(ctx, 3, joinToken(ctx, 3))
			_, err := lab.Exec(ctx, "boot-3", "neco", "join", "0", "1", "2")
			Expect(err).To(MatchError(And(ContainSubstring("install"), ContainSubstring(newest))))
			unchanged(ctx, 3)
			for _, s := range necotest.Servers(3, 4) {
				Expect(lab.Install(ctx, newestDeb, s)).To(Succeed())
			}
		})

		It("reveal nothing to a rogue server at the address of the boot servers", func(ctx SpecContext) {
			Expect(lab.Build(ctx, "rogue", "boot-4")).To(Succeed())
			rogue, err := lab.StartProgram(ctx, "boot-4", "rogue", "0.0.0.0:8443")
			Expect(err).NotTo(HaveOccurred())
			Eventually(ctx, func() (string, error) { return lab.Exec(ctx, "boot-4", "ss", "-ltn") }).WithTimeout(limit).
				WithPolling(100 * time.Millisecond).Should(ContainSubstring(":8443"))
			detour := []string{"OUTPUT", "-p", "tcp", "--dport", "8200", "-j", "DNAT", "--to-destination", lab.Address("boot-4", "node0").String() + ":8443"}
			lab.Run(ctx, 3, "iptables", append([]string{"-t", "nat", "-A"}, detour...)...)
			text := joinToken(ctx, 3)
			putToken(ctx, 3, text)
			_, err = lab.Exec(ctx, "boot-3", "neco", "join", "0", "1", "2")
			Expect(err).To(MatchError(ContainSubstring("CAPinMismatch")))
			lab.Run(ctx, 3, "iptables", append([]string{"-t", "nat", "-D"}, detour...)...)
			received, err := rogue.Stop()
			Expect(err).NotTo(HaveOccurred())
			Expect(received).To(ContainSubstring("GET /v1/ca/server/ca/pem"), "the rogue received a request")
			token, err := join.Parse(text)
			Expect(err).NotTo(HaveOccurred())
			suite.NotIn(received, map[string]string{"the token's secret": token.Secret, "the token's role": token.RoleID, "the token": text}, "the data that the rogue received")
			unchanged(ctx, 3)
		})

		It("are refused without a token, with an invalid one, with another server's, and nothing is changed", func(ctx SpecContext) {
			lab.Run(ctx, 3, "rm", "/etc/neco/join-token")
			four := joinToken(ctx, 4)
			for _, c := range []struct{ what, token, want string }{
				{"nothing", "", "join-token"},
				{"a truncated one", four[:len(four)-7], "TokenInvalid"},
				{"a changed one", suite.Altered(four), "TokenInvalid"},
				{"that of boot server 4", four, "TokenInvalid: it is for boot server 4"},
			} {
				if c.token != "" {
					putToken(ctx, 3, c.token)
				}
				_, err := lab.Exec(ctx, "boot-3", "neco", "join", "0", "1", "2")
				Expect(err).To(MatchError(ContainSubstring(c.want)), c.what)
			}
			putToken(ctx, 3, joinToken(ctx, 3, "--ttl", "1m"))
			Eventually(ctx, func() error {
				_, err := lab.Exec(ctx, "boot-3", "neco", "join", "--check", "0", "1", "2")
				return err
			}).WithTimeout(limit).WithPolling(time.Second).Should(MatchError(ContainSubstring("TokenExpired")))
			unchanged(ctx, 3)
		})

		for _, lrn := range []int{3, 4} {
			It("join an existing data centre, and reveal no secret: boot server "+strconv.Itoa(lrn), func(ctx SpecContext) {
				stop := lab.WatchForSecrets(ctx, "join", lrn)
				token := joinToken(ctx, lrn)
				putToken(ctx, lrn, token)
				joinAndWait(ctx, lrn, func() {
					if lrn == 3 {
						lab.Run(ctx, lrn, "neco", "join", "0", "1", "2")
						return
					}
					var marks []string
					for _, stage := range join.Stages() {
						marks = append(marks, "^[0-9:]+ +"+stage+" ")
					}
					killed(ctx, lrn, "", marks, "neco", "join", "0", "1", "2")
				})
				found := lab.Secrets(ctx, lrn)
				found["the token"] = token
				t, err := join.Parse(token)
				Expect(err).NotTo(HaveOccurred())
				found["the token's secret"] = t.Secret
				stop(found)
				used[lrn] = token
			})
		}

		It("leave, killed repeatedly: their permissions end, and the old unseal key opens nothing", func(ctx SpecContext) {
			oldKey := strings.TrimSpace(lab.Run(ctx, 0, "neco", "vault", "show-unseal-key"))
			probe, err := lab.StartProbe(ctx, "boot-0", "etcd")
			Expect(err).NotTo(HaveOccurred())
			before := lab.History(ctx)
			root := strings.TrimSpace(lab.Run(ctx, 4, "neco", "vault", "show-root-token"))
			Expect(lab.Vault(ctx, root, "token", "lookup")).To(MatchRegexp(`policies\s+\[root\]`))
			killed(ctx, 0, lab.AdminToken(ctx), []string{
				"^boot server 4 has left", "^its users of etcd", "^its locks and its presence", "^its approle", "^its host key",
			}, "neco", "leave", "4", "--yes")
			Expect(strings.Fields(lab.Etcdctl(ctx, 0, "get", "--prefix", "--keys-only", "/neco/leaving/"))).To(BeEmpty())
			_, err = lab.Exec(ctx, "boot-4", "sh", "-c", suite.EtcdctlAt(neco.EtcdEndpoints([]int{0})[0], "/etc/neco/etcd")+" get /neco/info/neco-release")
			Expect(err).To(MatchError(ContainSubstring("etcdserver: permission denied")), "with the certificate of a server that has left")
			Expect(strings.Fields(lab.Etcdctl(ctx, 0, "user", "list"))).NotTo(ContainElement(HaveSuffix("-4")))
			newKey := strings.TrimSpace(lab.Run(ctx, 0, "neco", "vault", "show-unseal-key"))
			Expect(newKey).NotTo(Equal(oldKey))
			// The requested update restarts one Vault after the other: requests
			// to Vault have to wait until the update is complete.
			lab.NextRun(ctx, before, limit)
			gap, err := probe.Stop()
			Expect(err).NotTo(HaveOccurred())
			suite.Print("leave: longest gap between writes %s", gap.Longest.Round(time.Millisecond))
			Expect(gap.Longest).To(BeNumerically("<", suite.FailAtFactor*suite.EtcdGapAim))
			Expect(strings.Count(lab.Etcdctl(ctx, 0, "member", "list"), "started")).To(Equal(4))
			Expect(lab.Vault(ctx, lab.AdminToken(ctx), "list", "auth/approle/role")).NotTo(ContainSubstring("boot-4"))
			_, err = lab.Exec(ctx, "boot-0", "neco", "vault", "show-root-token")
			Expect(err).To(MatchError(ContainSubstring("generate-root")))
			_, err = lab.TryVault(ctx, root, "token", "lookup")
			Expect(err).To(MatchError(ContainSubstring("permission denied")), "boot server 4 has the old root token")
			lab.Run(ctx, 1, "docker", "kill", "vault")
			lab.AwaitUnsealed(ctx, 1, limit)
		})

		It("join again after their disk was wiped, with the token of an operator", func(ctx SpecContext) {
			Expect(lab.Fresh(ctx, newestDeb, "boot-4")).To(Succeed())
			putToken(ctx, 4, used[4])
			_, err := lab.Exec(ctx, "boot-4", "neco", "join", "0", "1", "2")
			Expect(err).To(MatchError(ContainSubstring("TokenUsed")))
			unchanged(ctx, 4)
			join := func(token, authority string, flags ...string) error {
				const file = "/root/server-ca.crt"
				Expect(lab.Write(ctx, "boot-4", file, strings.NewReader(authority), 0o644)).To(Succeed())
				_, err := lab.ExecWith(ctx, strings.NewReader(token), "boot-4", "sh",
					append([]string{"-c", `VAULT_TOKEN=$(cat) exec neco join "$@" 0 1 2`, "sh", "--ca-file", file}, flags...)...)
				return err
			}
			rogue, err := pki.NewCA(pki.ServerCA, time.Now())
			Expect(err).NotTo(HaveOccurred())
			token, ours := lab.AdminToken(ctx), lab.Run(ctx, 0, "cat", neco.ServerCAFile)
			Expect(join(token, string(rogue.CertPEM()))).To(MatchError(ContainSubstring("CAPinMismatch")))
			Expect(join("hvs.nobody", ours, "--check")).To(MatchError(ContainSubstring("not accepted by Vault")))
			Expect(join(token, ours, "--check")).To(Succeed())
			unchanged(ctx, 4)
			joinAndWait(ctx, 4, func() { Expect(join(token, ours)).To(Succeed()) })
		})
	})
}

// killed runs a command on a server. It kills the command when the command has printed
// each of the marks, which are regular expressions, in turn, and runs it again until it
// succeeds. token is passed to the command on standard input.
func killed(ctx SpecContext, lrn int, token string, marks []string, args ...string) {
	GinkgoHelper()
	Expect(lab.Build(ctx, "killer", necotest.Server(lrn))).To(Succeed())
	out, err := lab.ExecWith(ctx, strings.NewReader(token), necotest.Server(lrn), "/root/killer", slices.Concat(marks, []string{"--"}, args)...)
	Expect(err).NotTo(HaveOccurred())
	Expect(strings.TrimSpace(out)).To(Equal(strconv.Itoa(len(marks))), "killed at each of them")
	suite.Print("%s: killed %d times", strings.Join(args[:2], " "), len(marks))
}

// joinToken returns a join token for a server.
func joinToken(ctx SpecContext, lrn int, flags ...string) string {
	GinkgoHelper()
	text, err := lab.JoinToken(ctx, "boot-0", lab.AdminToken(ctx), lrn, flags...)
	Expect(err).NotTo(HaveOccurred())
	return text
}

func putToken(ctx SpecContext, lrn int, token string) {
	GinkgoHelper()
	Expect(lab.Write(ctx, necotest.Server(lrn), "/etc/neco/join-token", strings.NewReader(token), 0o600)).To(Succeed())
}

// unchanged checks that a server that was refused has not changed and is not
// registered.
func unchanged(ctx SpecContext, lrn int) {
	GinkgoHelper()
	for _, name := range []string{"/etc/neco/config.yml", "/etc/neco/etcd.key", "/etc/neco/server.crt", "/var/lib/neco/vault-approle.json"} {
		_, err := lab.Exec(ctx, necotest.Server(lrn), "ls", name)
		Expect(err).To(HaveOccurred(), name)
	}
	Expect(strings.Fields(lab.Etcdctl(ctx, 0, "get", "--prefix", "--keys-only", "/neco/info/bootservers/"))).
		NotTo(ContainElement("/neco/info/bootservers/" + strconv.Itoa(lrn)))
}

// joinAndWait calls join, which lets a server join, and waits until the next update has
// made the server an etcd member.
func joinAndWait(ctx SpecContext, lrn int, join func()) {
	GinkgoHelper()
	probe, err := lab.StartProbe(ctx, "boot-0", "etcd")
	Expect(err).NotTo(HaveOccurred())
	before, members := lab.History(ctx), strings.Count(lab.Etcdctl(ctx, 0, "member", "list"), "started")
	began := time.Now()
	join()
	joined := time.Since(began)
	lab.NextRun(ctx, before, limit)
	gap, err := probe.Stop()
	Expect(err).NotTo(HaveOccurred())
	suite.Print("boot server %d: joined in %s, member and complete after %s; longest gap between writes %s, at most %d members down",
		lrn, joined.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), gap.Longest.Round(time.Millisecond), gap.Worst)
	Expect(gap.Longest).To(BeNumerically("<", suite.FailAtFactor*suite.EtcdGapAim))
	Expect(gap.Worst).To(BeNumerically("<=", 1))
	list := lab.Etcdctl(ctx, 0, "member", "list")
	Expect(strings.Count(list, "started")).To(Equal(members + 1))
	Expect(list).NotTo(ContainSubstring("true"), "no member is a learner")
	lab.AwaitUnsealed(ctx, lrn, limit)
	lab.Run(ctx, lrn, "neco", "status")

	Expect(lab.Run(ctx, lrn, "neco", "join", "0", "1", "2")).To(ContainSubstring("already"))
}
