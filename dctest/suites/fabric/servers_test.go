//go:build dctest

package fabric

import (
	"fmt"
	"os"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco"
)

const (
	// mostMemory is how many bytes of memory all boot servers of an idle data centre may
	// use together.
	mostMemory = 2 << 30
	// pullLimit bounds the first pull of a small image, which normally takes half a
	// second. It is shorter than the time after which a Docker daemon gives up on a name
	// server that does not respond.
	pullLimit = 10 * time.Second
	proxy     = "http://10.0.49.3:3128"
)

// each calls f for every boot server.
func each(f func(server string)) {
	for _, s := range dc.Servers() {
		By(s)
		f(s)
	}
}

// output returns the output of a command on a server; the command must succeed.
func output(ctx SpecContext, server, name string, args ...string) string {
	GinkgoHelper()
	out, err := dc.Exec(ctx, server, name, args...)
	Expect(err).NotTo(HaveOccurred())
	return strings.TrimSpace(out)
}

var _ = Describe("the boot servers", Ordered, func() {
	It("run without a failed unit", func(ctx SpecContext) {
		each(func(server string) {
			Expect(dc.Await(ctx, server)).To(Succeed())
			Expect(output(ctx, server, "systemctl", "--failed", "--plain", "--no-legend")).To(BeEmpty())
		})
	})

	It("have their identity in files", func(ctx SpecContext) {
		for rack, server := range dc.Servers() {
			Expect(output(ctx, server, "hostname")).To(Equal(server))
			Expect(output(ctx, server, "cat", neco.RackFile)).To(Equal(fmt.Sprint(rack)))
			Expect(output(ctx, server, "cat", neco.ClusterFile)).To(Equal(dc.Plan.Name))
			Expect(output(ctx, server, "jq", "-r", `."node-ipv4-pool"`, neco.SabakanIPAMFile)).To(Equal("10.69.0.0/20"))
			output(ctx, server, "test", "-e", neco.DCTestFile)
		}
	})

	It("resolve their own names and those of the simulated internet, and no others", func(ctx SpecContext) {
		each(func(server string) {
			Expect(output(ctx, server, "getent", "hosts", server)).To(HavePrefix(dc.Address(server, "node0").String()))
			for _, name := range []string{"quay.io", "ghcr.io", "api.github.com", "github.com", "stable.release.flatcar-linux.net"} {
				Expect(output(ctx, server, "getent", "hosts", name)).To(HavePrefix("10.0.0.1 "), name)
			}
			began := time.Now()
			_, err := dc.Exec(ctx, server, "getent", "hosts", "nobody.example.com")
			Expect(err).To(HaveOccurred())
			Expect(time.Since(began)).To(BeNumerically("<", 5*time.Second), "a lookup must not wait for a name server")
		})
	})

	It("take the time from the core", func(ctx SpecContext) {
		each(func(server string) {
			Eventually(ctx, func() (string, error) {
				return dc.Exec(ctx, server, "chronyc", "-n", "tracking")
			}).WithTimeout(deadline).WithPolling(time.Second).Should(MatchRegexp(`Reference ID .*\(10\.0\.50\.[12]\)`))
		})
	})

	It("pull images under their names in production, through the proxy", func(ctx SpecContext) {
		img, err := neco.CurrentArtifacts.FindContainerImage("serf")
		Expect(err).NotTo(HaveOccurred())
		each(func(server string) {
			_, err := dc.Exec(ctx, server, "docker", "image", "rm", "--force", img.FullName(false))
			Expect(err).NotTo(HaveOccurred())
			began := time.Now()
			output(ctx, server, "docker", "pull", img.FullName(false))
			took := time.Since(began)
			report("%s: docker pull %s in %s", server, img.FullName(false), took.Round(time.Millisecond))
			Expect(took).To(BeNumerically("<", pullLimit))
		})
	})

	It("reach the release server through the proxy, with a certificate that they trust", func(ctx SpecContext) {
		each(func(server string) {
			Expect(output(ctx, server, "curl", "-sS", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}",
				"-x", proxy, "https://api.github.com/repos/cybozu-go/neco/releases")).To(Equal("200"))
		})
	})

	It("accept SSH logins by key and not by password", func(ctx SpecContext) {
		each(func(server string) {
			out := output(ctx, server, "sshd", "-T")
			Expect(out).To(ContainSubstring("passwordauthentication no"))
			Expect(out).To(ContainSubstring("kbdinteractiveauthentication no"))
			Expect(out).To(ContainSubstring("permitrootlogin without-password"))
			name, err := ssh(ctx, server, "hostname").Output()
			Expect(err).NotTo(HaveOccurred())
			Expect(strings.TrimSpace(string(name))).To(Equal(server))
		})
	})

	It("use little memory and no processor time when they are idle", func(ctx SpecContext) {
		st, err := dc.Status(ctx)
		Expect(err).NotTo(HaveOccurred())
		boot := st.BootServers()
		report("%s", boot)
		Expect(boot.Memory).To(BeNumerically("<=", mostMemory))
	})

	It("come back after a power loss, a shutdown, a pause and a wipe", func(ctx SpecContext) {
		server := dc.Servers()[1]
		Expect(dc.Write(ctx, server, "/var/lib/mark", strings.NewReader("here"), 0o600)).To(Succeed())

		By("kill")
		Expect(dc.Kill(ctx, server)).To(Succeed())
		_, err := dc.Exec(ctx, server, "true")
		Expect(err).To(HaveOccurred())
		Expect(dc.PowerOn(ctx, server)).To(Succeed())
		Expect(dc.Await(ctx, server)).To(Succeed())
		Expect(dc.Read(ctx, server, "/var/lib/mark")).To(Equal("here"))

		By("power off")
		Expect(dc.PowerOff(ctx, server)).To(Succeed())
		Expect(dc.PowerOn(ctx, server)).To(Succeed())
		Expect(dc.Await(ctx, server)).To(Succeed())
		Expect(dc.Read(ctx, server, "/var/lib/mark")).To(Equal("here"))
		healthy(ctx)

		By("pause")
		other := dc.Servers()[2]
		Expect(dc.Pause(ctx, server)).To(Succeed())
		eventuallyBroken(ctx, 2)
		Expect(dc.Resume(ctx, server)).To(Succeed())
		healthy(ctx)
		eventuallyPing(ctx, other, dc.Address(server, "node0"))

		By("wipe")
		began := time.Now()
		Expect(dc.Wipe(ctx, server)).To(Succeed())
		Expect(dc.Await(ctx, server)).To(Succeed())
		report("wiped and running again after %s", time.Since(began).Round(time.Millisecond))
		_, err = dc.Read(ctx, server, "/var/lib/mark")
		Expect(err).To(HaveOccurred())
		healthy(ctx)
		eventuallyPing(ctx, other, dc.Address(server, "node0"))
	})

	It("have their packets captured on every link", func(ctx SpecContext) {
		dir := GinkgoT().TempDir()
		capture, err := dc.Capture(ctx, dir)
		Expect(err).NotTo(HaveOccurred())
		const secret = "spoken-in-the-clear"
		_, err = dc.Exec(ctx, dc.Servers()[0], "curl", "-s", "-m", "5", "-x", proxy, "http://api.github.com/"+secret)
		Expect(err).NotTo(HaveOccurred())
		Expect(capture.Stop()).To(Succeed())
		captured := 0
		for _, name := range capture.Files {
			data, err := os.ReadFile(name)
			Expect(err).NotTo(HaveOccurred())
			if strings.Contains(string(data), secret) {
				captured++
			}
		}
		Expect(captured).To(BeNumerically(">=", 3), "by a ToR, a spine and the core")
	})
})
