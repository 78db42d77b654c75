//go:build dctest

package kills

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/dctest/suite"
	"github.com/cybozu-go/neco/pkg/hostkey"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
	"github.com/cybozu-go/neco/pkg/vaultkey"
)

const (
	version = "2026.11.21-1"
	limit   = 5 * time.Minute
)

var (
	lab   *necotest.Lab
	deb   string
	three = []int{0, 1, 2}
	names = []string{"boot-0", "boot-1", "boot-2"}
	// recovery is the recovery key.
	recovery *age.X25519Identity
)

func TestKills(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "bootstrap-kills")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	var end func(context.Context) error
	var err error
	lab, end, err = necotest.Open(ctx, "kills", "dctest/menu.yml")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) { Expect(end(ctx)).To(Succeed()) })
	lab.Say = func(format string, args ...any) { GinkgoWriter.Printf(format+"\n", args...) }
	deb, err = lab.Package(ctx, version, nil)
	Expect(err).NotTo(HaveOccurred())
	recovery, err = age.GenerateX25519Identity()
	Expect(err).NotTo(HaveOccurred())
})

// chosen returns the cases to run, according to CASES and SEED.
func chosen() []Case {
	seed := os.Getenv("SEED")
	all := Cases(three, seed)
	if n, err := strconv.Atoi(os.Getenv("CASES")); err == nil && n > 0 {
		return Draw(all, n, seed)
	}
	return all
}

var _ = Describe("neco setup", func() {
	for _, c := range chosen() {
		It("completes after: "+c.String(), func(ctx SpecContext) { runCase(ctx, c) }, SpecTimeout(3*limit))
	}
})

// runCase starts a bootstrap, injects the failure, runs setup again and checks that the
// data centre is complete.
func runCase(ctx SpecContext, c Case) {
	Expect(lab.Fresh(ctx, deb, names...)).To(Succeed())
	_, err := lab.Tokens(ctx, names...)
	Expect(err).NotTo(HaveOccurred())
	var running []*necotest.Setup
	for _, lrn := range three {
		s, err := startSetup(ctx, lrn)
		Expect(err).NotTo(HaveOccurred())
		running = append(running, s)
	}
	Expect(running[c.LRN].Says(ctx, regexp.MustCompile(`(?m)^\S+\s+`+c.Stage+`\s`))).To(Succeed())
	select {
	case <-time.After(c.Late):
	case <-ctx.Done():
	}
	began := time.Now()
	again := inject(ctx, c)
	for _, lrn := range again {
		s, err := startSetup(ctx, lrn)
		Expect(err).NotTo(HaveOccurred())
		running[lrn] = s
	}
	Expect(necotest.WaitAll(ctx, running)).To(Succeed())
	took := time.Since(began)
	complete(ctx)
	fmt.Printf("    | %s | %d | %t | %s | %t | %s |\n", c.Stage, c.LRN, c.PowerCut,
		c.Late.Round(time.Millisecond), c.Alone, took.Round(100*time.Millisecond))
}

func startSetup(ctx SpecContext, lrn int) (*necotest.Setup, error) {
	return lab.StartSetup(ctx, lrn, append([]string{"--recovery-recipient", recovery.Recipient().String()}, necotest.LRNs(three)...)...)
}

// inject injects the failure, and returns the servers on which setup must be run again.
func inject(ctx SpecContext, c Case) []int {
	GinkgoHelper()
	victim := names[c.LRN]
	if c.PowerCut {
		Expect(lab.Kill(ctx, victim)).To(Succeed())
		Expect(lab.PowerOn(ctx, victim)).To(Succeed())
		Expect(lab.Await(ctx, victim)).To(Succeed())
	} else {
		Expect(lab.KillSetup(ctx, victim)).To(Succeed())
	}
	if c.Alone {
		return []int{c.LRN}
	}
	for _, s := range names {
		Expect(lab.KillSetup(ctx, s)).To(Succeed())
	}
	return three
}

// complete checks that the data centre is complete and that setup has left nothing
// behind.
func complete(ctx SpecContext) {
	GinkgoHelper()
	Expect(lab.Complete(ctx, "boot-0", version, limit)).To(Succeed())
	etcdctl := suite.EtcdctlAs("/etc/neco/etcd") + " "
	for _, s := range names {
		out, err := lab.Exec(ctx, s, "sh", "-c", "VAULT_ADDR=https://127.0.0.1:8200 vault status; true")
		Expect(err).NotTo(HaveOccurred())
		Expect(out).To(MatchRegexp(`Sealed\s+false`), s)
		left, err := lab.Exec(ctx, s, "sh", "-c", "ls -d /var/lib/neco/setup /etc/neco/setup-token /var/lib/neco/pki/* 2>/dev/null; true")
		Expect(err).NotTo(HaveOccurred())
		Expect(left).To(BeEmpty(), s)
	}
	members, err := lab.Exec(ctx, "boot-1", "sh", "-c", etcdctl+"member list")
	Expect(err).NotTo(HaveOccurred())
	Expect(strings.Count(members, "started")).To(Equal(3))
	auth, err := lab.Exec(ctx, "boot-1", "sh", "-c", etcdctl+"auth status")
	Expect(err).NotTo(HaveOccurred())
	Expect(auth).To(ContainSubstring("Status: true"))
	keys, err := lab.Exec(ctx, "boot-1", "sh", "-c", etcdctl+"get --prefix --keys-only /neco/vault")
	Expect(err).NotTo(HaveOccurred())
	Expect(strings.Fields(keys)).NotTo(ContainElement(BeElementOf("/neco/vault-root-token", "/neco/vault-init")), "keys that only setup needs are deleted")
	Expect(strings.Fields(keys)).To(ContainElement("/neco/vault-unseal-key"))
	lastResort(ctx, etcdctl)
}

// lastResort checks that the recovery key decrypts the CAs that all servers trust.
func lastResort(ctx SpecContext, etcdctl string) {
	GinkgoHelper()
	sealed, err := lab.Exec(ctx, "boot-1", "sh", "-c", etcdctl+"get --print-value-only /neco/"+vaultkey.KeyAuthority)
	Expect(err).NotTo(HaveOccurred())
	id, err := hostkey.ParseIdentity(recovery.String())
	Expect(err).NotTo(HaveOccurred())
	authorities, err := renewal.OpenAuthorities([]byte(sealed), id)
	Expect(err).NotTo(HaveOccurred())
	for _, a := range pki.Authorities() {
		for _, s := range names {
			Expect(lab.Read(ctx, s, a.File())).To(Equal(string(authorities[a].CertPEM())), "%s on %s", a, s)
		}
	}
}
