//go:build dctest

package machines

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/placemat"
)

// deadline bounds every wait; what is waited for takes seconds.
const deadline = time.Minute

var (
	centre  *placemat.Centre
	servers = [...]string{"boot-0", "boot-1", "boot-2"}
)

func TestMachines(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "machines")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	var err error
	centre, err = placemat.New("dc")
	Expect(err).NotTo(HaveOccurred())
	_, err = centre.Status(ctx)
	Expect(err).NotTo(HaveOccurred(), "make dc starts it")
})

// on runs a command on a server and returns what it has printed.
func on(ctx context.Context, server string, args ...string) (string, error) {
	cmd, err := centre.Command(ctx, server, args[0], args[1:]...)
	if err != nil {
		return "", err
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s on %s: %w: %s", strings.Join(args, " "), server, err, out)
	}
	return string(out), nil
}

var _ = Describe("the boot servers", func() {
	for _, server := range servers {
		It("run on "+server+" without a failed unit", func(ctx SpecContext) {
			out, err := on(ctx, server, "systemctl", "is-system-running")
			Expect(err).NotTo(HaveOccurred())
			Expect(strings.TrimSpace(out)).To(Equal("running"))
		})

		It("take the time from the core on "+server, func(ctx SpecContext) {
			Eventually(ctx, func() (string, error) {
				return on(ctx, server, "chronyc", "-n", "tracking")
			}).WithTimeout(deadline).WithPolling(time.Second).Should(MatchRegexp(`Reference ID .*\(10\.0\.50\.[12]\)`))
		})

		It("pull images under their names in production on "+server, func(ctx SpecContext) {
			img, err := neco.CurrentArtifacts.FindContainerImage("serf")
			Expect(err).NotTo(HaveOccurred())
			began := time.Now()
			_, err = on(ctx, server, "docker", "pull", img.FullName(false))
			Expect(err).NotTo(HaveOccurred())
			fmt.Printf("%s: docker pull %s after %s\n", server, img.FullName(false), time.Since(began).Round(time.Millisecond))
		})

		It("reach the release server through the proxy on "+server, func(ctx SpecContext) {
			out, err := on(ctx, server, "curl", "-sS", "-m", "20", "-o", "/dev/null", "-w", "%{http_code}",
				"-x", "http://10.0.49.3:3128", "https://api.github.com/repos/cybozu-go/neco/releases")
			Expect(err).NotTo(HaveOccurred())
			Expect(out).To(Equal("200"))
		})
	}
})
