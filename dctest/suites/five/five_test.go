//go:build dctest

package five

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/suite"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/renewal"
)

func fiveSpecs() {
	Describe("five servers", func() {
		var recovery *age.X25519Identity

		It("are set up at once", func(ctx SpecContext) {
			deb, err := lab.Package(ctx, first, nil)
			Expect(err).NotTo(HaveOccurred())
			Expect(lab.Fresh(ctx, deb, necotest.Servers(all...)...)).To(Succeed())
			Expect(lab.Build(ctx, "probe", "boot-0")).To(Succeed())
			_, err = lab.Tokens(ctx, necotest.Servers(all...)...)
			Expect(err).NotTo(HaveOccurred())
			recovery, err = age.GenerateX25519Identity()
			Expect(err).NotTo(HaveOccurred())
			began := time.Now()
			const passwordFile = "/root/admin-password"
			setups, err := lab.SetUp(ctx, all, "--proxy", suite.Proxy, "--recovery-recipient", recovery.Recipient().String(), "--admin-password-file", passwordFile)
			Expect(err).NotTo(HaveOccurred())
			suite.Print("setup of five: %s", time.Since(began).Round(10*time.Millisecond))
			Expect(setups[0].Password()).To(BeEmpty(), "the password is in the file")
			Expect(strings.TrimSpace(lab.Run(ctx, 0, "stat", "-c", "%a", passwordFile))).To(Equal("600"))
			lab.Password = strings.TrimSpace(lab.Run(ctx, 0, "cat", passwordFile))
			_, err = lab.Exec(ctx, "boot-0", "neco", "vault", "show-root-token")
			Expect(err).To(MatchError(ContainSubstring("generate-root")))
			Expect(lab.Complete(ctx, "boot-4", first, limit)).To(Succeed())
			Expect(strings.Count(lab.Etcdctl(ctx, 0, "member", "list"), "started")).To(Equal(5))
			for _, lrn := range all {
				lab.AwaitUnsealed(ctx, lrn, limit)
			}
		})

		It("are initialised once for the programs that use them", func(ctx SpecContext) {
			token := lab.AdminToken(ctx)
			prefixes := map[string]string{"cke": neco.CKEPrefix, "etcdpasswd": neco.EtcdpasswdPrefix, "sabakan": neco.SabakanPrefix}
			for _, name := range program.Names(program.OnServers()) {
				_, err := lab.InitLocal(ctx, necotest.Server(0), token, name)
				Expect(err).To(MatchError(ContainSubstring("neco init "+name)), "the program is not initialised")
				Expect(lab.Run(ctx, 1, "neco", "init", name)).To(ContainSubstring(name + " is initialised;"))
				Expect(lab.Run(ctx, 2, "neco", "init", name)).To(ContainSubstring("nothing is changed"))
				for _, lrn := range all {
					Expect(lab.InitLocal(ctx, necotest.Server(lrn), token, name)).To(ContainSubstring(name + " is set up on this boot server"))
					Expect(lab.InitLocal(ctx, necotest.Server(lrn), token, name)).To(ContainSubstring("nothing is changed"))
					mode := lab.Run(ctx, lrn, "stat", "-c", "%a", "/etc/"+name+"/etcd.key")
					Expect(strings.TrimSpace(mode)).To(Equal("600"))
					itsEtcdctl := suite.EtcdctlAs("/etc/" + name + "/etcd")
					lab.Run(ctx, lrn, "sh", "-c", itsEtcdctl+" put "+prefixes[name]+"test x")
					_, err := lab.Exec(ctx, necotest.Server(lrn), "sh", "-c", itsEtcdctl+" get /neco/info/neco-release")
					Expect(err).To(MatchError(ContainSubstring("permission denied")))
				}
			}
			for _, lrn := range all {
				Expect(lab.Run(ctx, lrn, "systemctl", "is-active", "sabakan")).To(HavePrefix("active"))
				Expect(lab.Run(ctx, lrn, "systemctl", "is-enabled", "sabakan")).To(HavePrefix("enabled"))
				Expect(lab.Run(ctx, lrn, "stat", "-c", "%F", "/var/lib/sabakan")).To(HavePrefix("directory"))
			}
			Expect(lab.InitLocal(ctx, necotest.Server(3), token, "cke")).To(ContainSubstring("cke.service is not installed yet"))
			Expect(lab.Run(ctx, 3, "neco", "init", "teleport")).To(ContainSubstring("is initialised;"))
			Expect(lab.Run(ctx, 3, "neco", "init", "teleport")).To(ContainSubstring("nothing is changed"))
			_, err := lab.InitLocal(ctx, necotest.Server(3), token, "teleport")
			Expect(err).To(MatchError(ContainSubstring("neco init teleport makes all that it needs")))
		})

		It("run sabakan, which the next release starts and configures", func(ctx SpecContext) {
			lab.Run(ctx, 2, "systemctl", "stop", "sabakan")
			lab.FollowReleases(ctx)
			pkg, err := lab.Package(ctx, next, nil)
			Expect(err).NotTo(HaveOccurred())
			times := lab.Deliver(ctx, pkg, next, all, limit)
			suite.Print("request to complete on five servers: %s", times.SinceRequest.Round(time.Millisecond))
			for _, lrn := range all {
				Expect(lab.Run(ctx, lrn, "sabactl", "dhcp", "get")).To(MatchRegexp(`"lease-minutes": *60`))
				Expect(lab.Etcdctl(ctx, 0, "get", "--print-value-only", fmt.Sprintf("/neco/install/%d/containers/sabakan", lrn))).NotTo(BeEmpty())
			}
			for _, record := range []string{"os-image", "sabakan-assets", "dhcp.json"} {
				Expect(lab.Etcdctl(ctx, 0, "get", "--print-value-only", "/neco/contents/"+record)).To(ContainSubstring(`"success":true`))
			}
			Expect(lab.Run(ctx, 4, "sabactl", "images", "index")).To(MatchRegexp(`"id": *"[0-9]+\.[0-9]+\.[0-9]+"`))
			for _, name := range neco.SabakanImages {
				Expect(lab.Run(ctx, 3, "sabactl", "assets", "index")).To(ContainSubstring("cybozu-" + name + "-"))
			}
		})

		It("wait for an operator while etcd holds no unseal key", func(ctx SpecContext) {
			token, key := lab.AdminToken(ctx), strings.TrimSpace(lab.Run(ctx, 3, "neco", "vault", "show-unseal-key"))
			store := func(key string) (string, error) {
				return lab.ExecWith(ctx, strings.NewReader(token+"\n"+key+"\n"), "boot-3", "sh", "-c",
					"read -r VAULT_TOKEN; export VAULT_TOKEN; exec neco vault store-unseal-key")
			}
			lab.Run(ctx, 3, "neco", "vault", "remove-unseal-key", "--yes")
			Expect(lab.Run(ctx, 3, "neco", "vault", "remove-unseal-key", "--yes")).To(ContainSubstring("nothing is changed"))
			_, err := lab.Exec(ctx, "boot-3", "neco", "vault", "show-unseal-key")
			Expect(err).To(MatchError(ContainSubstring("store-unseal-key")))
			lab.Run(ctx, 3, "systemctl", "restart", "vault")
			Expect(lab.Run(ctx, 3, "sh", "-c", "neco vault unseal 2>&1")).To(ContainSubstring("vault operator unseal"))
			statusOf(ctx, 1).Should(ContainSubstring("boot server 3: Vault is sealed"))
			_, err = store(suite.Altered(key))
			Expect(err).To(MatchError(ContainSubstring("etcd is unchanged")))
			Expect(store(key)).To(ContainSubstring("sealed to 6 keys"))
			lab.AwaitUnsealed(ctx, 3, limit)
			lab.Run(ctx, 3, "neco", "vault", "remove-unseal-key", "--yes")
			_, err = store(suite.Altered(key)) // Vault is unsealed now
			Expect(err).To(MatchError(ContainSubstring("etcd is unchanged")))
			Expect(store(key)).To(ContainSubstring("sealed to 6 keys"))
			Expect(strings.TrimSpace(lab.Run(ctx, 1, "neco", "vault", "show-unseal-key"))).To(Equal(key))
			statusOf(ctx, 1).ShouldNot(ContainSubstring("Vault"))
		})

		It("keep verified backups that the recovery key opens", func(ctx SpecContext) {
			Expect(lab.Run(ctx, 2, "systemctl", "is-enabled", "etcd-backup.timer")).To(HavePrefix("enabled"))
			lab.Run(ctx, 2, "systemctl", "stop", "etcd-backup.timer", "etcd-backup.service") // one backup at a time
			DeferCleanup(func(ctx SpecContext) { lab.Run(ctx, 2, "systemctl", "start", "etcd-backup.timer") })
			lab.Run(ctx, 2, "neco", "backup", "run")
			out := lab.Run(ctx, 2, "neco", "backup", "verify", "--all")
			Expect(out).To(ContainSubstring("snapshot-"))
			putRecoveryKey(ctx, 2, recovery)
			lab.Run(ctx, 2, "neco", "backup", "verify", "--all", "--recovery-key", recoveryKey)

			lab.Run(ctx, 2, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", neco.EtcdBackupDir)
			_, err := lab.Exec(ctx, "boot-2", "neco", "backup", "run")
			Expect(err).To(MatchError(ContainSubstring("free space")))
			Expect(statusText(ctx, 1)).To(MatchRegexp(`boot server 2: no snapshot of etcd since .* failing since .*DiskFull`))
			lab.Run(ctx, 2, "umount", neco.EtcdBackupDir)
			lab.Run(ctx, 2, "neco", "backup", "run")
			Expect(statusText(ctx, 1)).NotTo(ContainSubstring("snapshot of etcd"))
		})

		It("renew certificates with a validity of a minute without an interruption", func(ctx SpecContext) {
			shortLeaves(ctx, recovery)
			first := endings(ctx)
			probe, err := lab.StartProbe(ctx, "boot-0", "etcd")
			Expect(err).NotTo(HaveOccurred())
			// Check twice that every certificate is renewed.
			for range 2 {
				before := endings(ctx)
				Eventually(ctx, func() map[string]string { return unchangedEndings(before, endings(ctx)) }).
					WithTimeout(limit).WithPolling(2 * time.Second).Should(BeEmpty())
			}
			gap, err := probe.Stop()
			Expect(err).NotTo(HaveOccurred())
			suite.Print("%d certificates of a minute renewed twice: %d writes, longest gap %s", len(first), gap.Answers, gap.Longest.Round(time.Millisecond))
			Expect(gap.Longest).To(BeNumerically("<", suite.FailAtFactor*suite.EtcdGapAim))
		})

		It("come back with the recovery key alone when all certificates have expired", func(ctx SpecContext) {
			for _, lrn := range all {
				lab.Run(ctx, lrn, "systemctl", "stop", "neco-worker", "neco-updater", "vault", "etcd-container")
			}
			Eventually(ctx, func() (left []string) {
				for _, lrn := range all {
					for _, c := range certs(ctx, lrn) {
						if c.NotAfter.After(time.Now()) {
							left = append(left, fmt.Sprint(necotest.Server(lrn), " ", c.Purpose))
						}
					}
				}
				return left
			}).WithTimeout(limit).WithPolling(2*time.Second).Should(BeEmpty(), "certificates that are still valid")
			for _, lrn := range all {
				lab.Run(ctx, lrn, "systemctl", "start", "--no-block", "etcd-container", "vault", "neco-worker", "neco-updater")
			}
			Consistently(ctx, func() error {
				_, err := lab.Exec(ctx, "boot-0", "sh", "-c", suite.EtcdctlAs("/etc/neco/etcd")+" --command-timeout=5s get /neco/info/neco-release")
				return err
			}).WithTimeout(longStart).WithPolling(time.Second).ShouldNot(Succeed(), "etcd accepts no client")
			began := time.Now()
			for _, lrn := range all {
				putRecoveryKey(ctx, lrn, recovery)
				lab.Run(ctx, lrn, "neco", "cert", "reissue", "--yes", "--recovery-key", recoveryKey)
			}
			for _, lrn := range all {
				lab.AwaitUnsealed(ctx, lrn, limit)
				for _, c := range certs(ctx, lrn) {
					Expect(c.DaysLeft).To(BeNumerically(">", 80), "%s on boot server %d", c.Purpose, lrn)
				}
			}
			Expect(lab.Complete(ctx, "boot-4", next, limit)).To(Succeed())
			Expect(strings.Count(lab.Etcdctl(ctx, 0, "member", "list"), "started")).To(Equal(5))
			suite.Print("everything expired and down: back after %s", time.Since(began).Round(100*time.Millisecond))
		})
	})
}

// longStart is several times the time that etcd takes to start and to elect a leader.
const longStart = 15 * time.Second

// statusOf polls neco status on a server. A single call may fail to reach a Vault that
// responds slowly.
func statusOf(ctx SpecContext, lrn int) AsyncAssertion {
	GinkgoHelper()
	return Eventually(ctx, func() string { return statusText(ctx, lrn) }).WithTimeout(limit).WithPolling(time.Second)
}

// statusText returns the output of neco status on a server without line breaks.
func statusText(ctx SpecContext, lrn int) string {
	GinkgoHelper()
	return strings.Join(strings.Fields(lab.Run(ctx, lrn, "neco", "status")), " ")
}

const recoveryKey = "/root/recovery.key"

func putRecoveryKey(ctx SpecContext, lrn int, key *age.X25519Identity) {
	GinkgoHelper()
	Expect(lab.Write(ctx, necotest.Server(lrn), recoveryKey, strings.NewReader(key.String()+"\n"), 0o600)).To(Succeed())
}

// minute is the validity of a certificate that is renewed repeatedly.
const minute = "60s"

// shortLeaves limits the validity of Vault's certificates to a minute, and replaces
// every certificate by one with the same validity, signed by the data centre's CAs.
func shortLeaves(ctx SpecContext, recovery *age.X25519Identity) {
	GinkgoHelper()
	token := lab.AdminToken(ctx)
	for _, p := range pki.Profiles() {
		lab.Vault(ctx, token, "patch", string(p.Authority)+"/roles/"+p.Role, "ttl="+minute, "max_ttl="+minute)
	}
	id, err := hostkey.ParseIdentity(recovery.String())
	Expect(err).NotTo(HaveOccurred())
	authorities, err := renewal.OpenAuthorities([]byte(lab.Run(ctx, 0, "cat", renewal.AuthoritiesFile)), id)
	Expect(err).NotTo(HaveOccurred())
	life, err := time.ParseDuration(minute)
	Expect(err).NotTo(HaveOccurred())
	for _, lrn := range all {
		subject := pki.NewSubject(lrn, necotest.Server(lrn), lab.Address(necotest.Server(lrn), "bastion"))
		for _, p := range pki.Profiles() {
			key, err := pki.ParseKey([]byte(lab.Run(ctx, lrn, "cat", p.Key)))
			Expect(err).NotTo(HaveOccurred())
			request, err := p.Request(key, subject)
			Expect(err).NotTo(HaveOccurred())
			cert, err := authorities[p.Authority].Sign(request, p, subject, life, time.Now())
			Expect(err).NotTo(HaveOccurred())
			_, err = lab.ExecWith(ctx, strings.NewReader(string(cert)), necotest.Server(lrn), "sh", "-c", `cat >"$1"`, "sh", p.Cert)
			Expect(err).NotTo(HaveOccurred())
		}
		lab.Run(ctx, lrn, "systemctl", "restart", "neco-worker") // it is sleeping until the old certificates are due
	}
}

// cert is an entry of neco cert list.
type cert struct {
	Purpose  string    `json:"purpose"`
	NotAfter time.Time `json:"not_after"`
	DaysLeft int       `json:"days_left"`
	Error    string    `json:"error"`
}

// certs returns the certificates of a server. It retries because a certificate that is
// being replaced does not match its new key for a moment.
func certs(ctx context.Context, lrn int) (list []cert) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega) {
		out, err := lab.Exec(ctx, necotest.Server(lrn), "neco", "cert", "list", "-o", "json")
		g.Expect(err).NotTo(HaveOccurred())
		list = nil
		g.Expect(json.Unmarshal([]byte(out), &list)).To(Succeed())
		g.Expect(list).To(HaveLen(len(pki.Profiles())))
		g.Expect(slices.ContainsFunc(list, func(c cert) bool { return c.Error != "" })).To(BeFalse(), out)
	}).WithTimeout(limit).Should(Succeed())
	return list
}

// endings returns the expiry of all certificates on all servers.
func endings(ctx context.Context) map[string]string {
	GinkgoHelper()
	ends := map[string]string{}
	for _, lrn := range all {
		for _, c := range certs(ctx, lrn) {
			ends[fmt.Sprint(lrn, " ", c.Purpose)] = c.NotAfter.Format(time.RFC3339)
		}
	}
	return ends
}

// unchangedEndings returns the entries of certificates that were not renewed.
func unchangedEndings(before, now map[string]string) map[string]string {
	same := map[string]string{}
	for name, end := range before {
		if now[name] == end {
			same[name] = end
		}
	}
	return same
}
