//go:build dctest

package bootstrap

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/necotest"
	"github.com/cybozu-go/neco/pkg/setup"
)

func setupSpecs() {
	Describe("neco setup", func() {
		It("refuses what cannot work, and changes nothing", func(ctx SpecContext) {
			Expect(lab.Fresh(ctx, deb, servers(three...)...)).To(Succeed())
			for _, c := range []struct {
				args []string
				want string
			}{
				{[]string{"setup", "0", "1"}, "at least 3"},
				{[]string{"setup", "1", "2", "3"}, "not among"},
				{[]string{"setup", "0", "1", "1"}, "twice"},
				{[]string{"setup", "0", "1", "x"}, "no logical rack number"},
				{[]string{"setup", "--recovery-recipient", "me", "0", "1", "2"}, "recovery"},
				{[]string{"setup", "0", "1", "2"}, "setup-token"},
			} {
				_, err := lab.Exec(ctx, "boot-0", "neco", c.args...)
				Expect(err).To(MatchError(ContainSubstring(c.want)), strings.Join(c.args, " "))
			}
			_, err := lab.Exec(ctx, "boot-0", "env", "HTTPS_PROXY=http://10.0.49.3:3128", "neco", "setup", "0", "1", "2")
			Expect(err).To(MatchError(ContainSubstring("HTTPS_PROXY")))
			_, err = lab.Exec(ctx, "boot-0", "ls", "/var/lib/neco/setup")
			Expect(err).To(HaveOccurred())
		})

		It("checks the servers, and changes nothing", func(ctx SpecContext) {
			_, err := lab.Tokens(ctx, servers(three...)...)
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
					Expect(lab.Fresh(ctx, deb, servers(three...)...)).To(Succeed())
				}
				times = append(times, setUp(ctx, false))
			}
			measured("neco setup of three servers", times, setupAim)
		})

		It("lets no secret be seen on a link, in an argument or in a journal", func(ctx SpecContext) {
			Expect(lab.Fresh(ctx, deb, servers(three...)...)).To(Succeed())
			setUp(ctx, true)
		})

		It("says that there is nothing left to do when it is run again", func(ctx SpecContext) {
			Expect(run(ctx, 1, "neco", "setup", "0", "1", "2")).To(ContainSubstring("set up already"))
		})
	})
}

// setUp runs neco setup once and returns how long it took.  Where
// it is heard, every link is listened to.
func setUp(ctx SpecContext, heard bool) time.Duration {
	GinkgoHelper()
	token, err := lab.Tokens(ctx, servers(three...)...)
	Expect(err).NotTo(HaveOccurred())
	stop := func() {}
	if heard {
		stop = listen(ctx, token)
	}
	began := time.Now()
	all, err := lab.SetUp(ctx, three, "--proxy", "http://10.0.49.3:3128")
	took := time.Since(began)
	Expect(err).NotTo(HaveOccurred())
	password = all[0].Password()
	Expect(password).NotTo(BeEmpty())
	stages := all[0].Stages()
	for _, name := range setup.Stages() {
		Expect(stages).To(HaveKey(name))
		report("  %-12s %s", name, stages[name])
	}
	report("setup: %s", took.Round(10*time.Millisecond))
	stop()
	return took
}

// listen records what passes every link, and what every process is called with.
// The function it returns ends that and looks for the secrets that there are by
// then.
func listen(ctx SpecContext, token string) (stop func()) {
	GinkgoHelper()
	dir, err := os.MkdirTemp("", "neco-capture")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(os.RemoveAll, dir)
	capture, err := lab.Capture(ctx, dir)
	Expect(err).NotTo(HaveOccurred())
	for _, s := range servers(three...) {
		// Twenty times a second: few processes live shorter.
		const watch = `while [ -e /run/watch-args ]; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' >>/run/args; sleep 0.05; done`
		_, err := lab.Exec(ctx, s, "sh", "-c", "touch /run/watch-args; : >/run/args; setsid sh -c '"+strings.ReplaceAll(watch, "'", `'"'"'`)+"' >/dev/null 2>&1 &")
		Expect(err).NotTo(HaveOccurred())
	}
	_, err = lab.ExecInNetwork(ctx, "boot-0", "ping", "-c1", "-p", hex.EncodeToString([]byte(canary)), lab.Address("boot-1", "node0").String())
	Expect(err).NotTo(HaveOccurred())
	return func() {
		GinkgoHelper()
		Expect(capture.Stop()).To(Succeed())
		for _, s := range servers(three...) {
			_, err := lab.Exec(ctx, s, "rm", "/run/watch-args")
			Expect(err).NotTo(HaveOccurred())
		}
		found := secrets(ctx, token)
		Expect(len(found)).To(BeNumerically(">", 20))
		size, heard := 0, false
		for _, f := range capture.Files {
			data, err := os.ReadFile(f)
			Expect(err).NotTo(HaveOccurred())
			size += len(data)
			heard = heard || strings.Contains(string(data), canary)
			notIn(string(data), found, "the packets at "+filepath.Base(f))
		}
		Expect(heard).To(BeTrue(), "what is sent in clear is found")
		report("%d secrets in none of %d MiB of packets", len(found), size>>20)
		for _, s := range servers(three...) {
			log, err := lab.Exec(ctx, s, "journalctl", "--no-pager", "-o", "cat")
			Expect(err).NotTo(HaveOccurred())
			notIn(log, found, "the journal of "+s)
			args, err := lab.Exec(ctx, s, "sort", "-u", "/run/args")
			Expect(err).NotTo(HaveOccurred())
			Expect(strings.Contains(args, "setup")).To(BeTrue(), "the arguments of neco setup were seen")
			notIn(args, found, "the arguments on "+s)
		}
	}
}

// canary is sent in clear, so that the search is known to find something; ping
// takes 16 characters.
const canary = "neco was in here"

func notIn(text string, secrets map[string]string, where string) {
	GinkgoHelper()
	for name, secret := range secrets {
		if strings.Contains(text, secret) {
			Fail(name + " is in " + where)
		}
	}
}

// secrets are all that there is to hide, by what they are.
func secrets(ctx SpecContext, token string) map[string]string {
	GinkgoHelper()
	all := map[string]string{"the setup token": token, "the password of admin": password}
	all["the unseal key"] = strings.TrimSpace(run(ctx, 0, "neco", "vault", "show-unseal-key"))
	body := regexp.MustCompile(`(?s)KEY-----\n(.*?)\n-----END`)
	for _, lrn := range three {
		server := necotest.Server(lrn)
		for _, key := range strings.Fields(run(ctx, lrn, "find", "/etc/neco", "/etc/etcd", "/etc/vault", "-name", "*.key")) {
			m := body.FindStringSubmatch(run(ctx, lrn, "cat", key))
			Expect(m).NotTo(BeNil(), key)
			all[server+":"+key] = strings.Split(m[1], "\n")[1]
		}
		all[server+"'s host key"] = strings.TrimSpace(run(ctx, lrn, "cat", "/var/lib/neco/host-key"))
		m := regexp.MustCompile(`"secret_id":"([^"]+)"`).FindStringSubmatch(run(ctx, lrn, "cat", "/var/lib/neco/vault-approle.json"))
		Expect(m).NotTo(BeNil())
		all[server+"'s secret id"] = m[1]
	}
	return all
}
