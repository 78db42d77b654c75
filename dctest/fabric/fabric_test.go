//go:build dctest

package fabric

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/pkg/placemat"
	"github.com/cybozu-go/neco/pkg/placemat/cluster"
	"github.com/cybozu-go/neco/pkg/placemat/menu"
)

const (
	// deadline bounds every wait; what is waited for takes seconds.
	deadline = time.Minute
	poll     = 100 * time.Millisecond
	// interval between two probes, and so the precision of a gap.
	interval = 20 * time.Millisecond
	// slowest is ten times what traffic may take to move, see "ToR".
	slowest = 20 * time.Second
)

var (
	centre *placemat.Centre
	plan   *cluster.Cluster
)

func TestFabric(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "fabric")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	dir := GinkgoT().TempDir()
	m, err := menu.Load("../menu.yml")
	Expect(err).NotTo(HaveOccurred())
	files, err := m.Files()
	Expect(err).NotTo(HaveOccurred())
	Expect(menu.Write(dir, files)).To(Succeed())
	plan, err = cluster.Load(dir)
	Expect(err).NotTo(HaveOccurred())
	centre, err = placemat.New("fabric")
	Expect(err).NotTo(HaveOccurred())
	centre.Say = func(format string, args ...any) { GinkgoWriter.Printf(format+"\n", args...) }
	began := time.Now()
	Expect(centre.Up(ctx, dir, placemat.Options{})).To(Succeed())
	DeferCleanup(func(ctx SpecContext) { Expect(centre.Down(ctx)).To(Succeed()) })
	fmt.Printf("up after %s\n", time.Since(began).Round(time.Millisecond))
})

// healthy waits until all links are up and all sessions established.
func healthy(ctx context.Context) {
	GinkgoHelper()
	Eventually(ctx, func() (bool, error) {
		st, err := centre.Status(ctx)
		return err == nil && st.Healthy(), err
	}).WithTimeout(deadline).WithPolling(poll).Should(BeTrue(), "all sessions are established")
}

// ping reports whether one echo comes back.
func ping(ctx context.Context, from string, to netip.Addr) error {
	cmd, err := centre.Command(ctx, from, "ping", "-c1", "-W1", to.String())
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ping from %s to %s: %w: %s", from, to, err, out)
	}
	return nil
}

// addresses are those that a boot server announces.
func addresses(n cluster.Node) []netip.Addr {
	var as []netip.Addr
	for _, i := range n.Interfaces {
		if i.Type == cluster.Dummy {
			for _, a := range i.Addresses {
				as = append(as, a.Addr())
			}
		}
	}
	return as
}

// probe pings without a pause until stop is called, which returns the longest
// time without an answer.
func probe(from string, to netip.Addr) (stop func() time.Duration) {
	GinkgoHelper()
	cmd, err := centre.Command(context.Background(), from, "ping", "-n", "-D",
		"-i", fmt.Sprintf("%.3f", interval.Seconds()), "-W", "1", to.String())
	Expect(err).NotTo(HaveOccurred())
	var out bytes.Buffer
	cmd.Stdout = &out
	Expect(cmd.Start()).To(Succeed())
	DeferCleanup(func() { endProbe(cmd) })
	return func() time.Duration {
		GinkgoHelper()
		endProbe(cmd)
		return longestGap(out.String())
	}
}

func endProbe(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
	}
}

var answer = regexp.MustCompile(`(?m)^\[(\d+\.\d+)\] \d+ bytes from`)

func longestGap(out string) time.Duration {
	GinkgoHelper()
	var last float64
	var gap time.Duration
	answers := answer.FindAllStringSubmatch(out, -1)
	Expect(len(answers)).To(BeNumerically(">", 10), "answers of the probe")
	for _, m := range answers {
		at, err := strconv.ParseFloat(m[1], 64)
		Expect(err).NotTo(HaveOccurred())
		if last > 0 {
			gap = max(gap, time.Duration((at-last)*float64(time.Second)))
		}
		last = at
	}
	return gap
}

var _ = Describe("the fabric", Ordered, func() {
	It("has all BGP sessions established", func(ctx SpecContext) { healthy(ctx) })

	It("leads from every boot server and from the operation network to every node0 and bastion address", func(ctx SpecContext) {
		from := []string{"operation"}
		for _, b := range plan.Of(cluster.Boot) {
			from = append(from, b.Name)
		}
		count := 0
		for _, f := range from {
			for _, b := range plan.Of(cluster.Boot) {
				for _, a := range addresses(b) {
					Eventually(ctx, func() error { return ping(ctx, f, a) }).WithTimeout(deadline).Should(Succeed())
					count++
				}
			}
		}
		fmt.Printf("%d ways\n", count)
	})

	for _, tor := range []string{"rack0-tor1", "rack0-tor2"} {
		It("moves the traffic of a rack away from "+tor+" and back", func(ctx SpecContext) {
			healthy(ctx)
			boot := plan.Of(cluster.Boot)
			stop := probe(boot[0].Name, addresses(boot[len(boot)-1])[0])
			neighbours := map[string]bool{}
			for _, l := range plan.Links {
				switch tor {
				case l.A.Node:
					neighbours[l.B.Node] = true
				case l.B.Node:
					neighbours[l.A.Node] = true
				}
			}
			for n := range neighbours {
				Expect(centre.LinkUp(ctx, tor, n, false)).To(Succeed())
			}
			Eventually(ctx, func() (int, error) {
				st, err := centre.Status(ctx)
				if err != nil {
					return 0, err
				}
				broken := 0
				for _, s := range st.Sessions {
					if !s.Established() {
						broken++
					}
				}
				return broken, nil
			}).WithTimeout(deadline).WithPolling(poll).Should(BeNumerically(">=", 2*len(neighbours)))
			for n := range neighbours {
				Expect(centre.LinkUp(ctx, tor, n, true)).To(Succeed())
			}
			healthy(ctx)
			gap := stop()
			fmt.Printf("%s down and up: the longest gap is %s, probed every %s (aim: 2s)\n", tor, gap.Round(time.Millisecond), interval)
			Expect(gap).To(BeNumerically("<", slowest))
		})
	}

	for _, tor := range []string{"rack0-tor1", "rack0-tor2"} {
		It("moves the traffic of a rack away from "+tor+" when that falls silent with its links up", func(ctx SpecContext) {
			healthy(ctx)
			boot := plan.Of(cluster.Boot)
			stop := probe(boot[0].Name, addresses(boot[len(boot)-1])[0])
			Expect(centre.Silence(ctx, tor)).To(Succeed())
			Eventually(ctx, func() (bool, error) {
				st, err := centre.Status(ctx)
				return err == nil && !st.Healthy(), err
			}).WithTimeout(deadline).WithPolling(poll).Should(BeTrue(), "BFD notices it")
			Expect(centre.Heal(ctx)).To(Succeed())
			healthy(ctx)
			gap := stop()
			fmt.Printf("%s silent: the longest gap is %s (aim: 2s)\n", tor, gap.Round(time.Millisecond))
			Expect(gap).To(BeNumerically("<", slowest))
		})
	}

	It("survives that a rack is cut off, and heals", func(ctx SpecContext) {
		healthy(ctx)
		boot := plan.Of(cluster.Boot)
		cut, other := boot[0], boot[1]
		for _, t := range []string{"rack0-tor1", "rack0-tor2"} {
			Expect(centre.LinkUp(ctx, t, cut.Name, false)).To(Succeed())
		}
		Expect(ping(ctx, other.Name, addresses(cut)[0])).NotTo(Succeed())
		Expect(ping(ctx, other.Name, addresses(boot[2])[0])).To(Succeed())
		Expect(centre.Heal(ctx)).To(Succeed())
		healthy(ctx)
		Eventually(ctx, func() error { return ping(ctx, other.Name, addresses(cut)[0]) }).WithTimeout(deadline).Should(Succeed())
	})

	It("cuts two servers from each other alone, also one way", func(ctx SpecContext) {
		boot := plan.Of(cluster.Boot)
		for _, oneWay := range []bool{false, true} {
			Expect(centre.Cut(ctx, boot[0].Name, boot[1].Name, oneWay)).To(Succeed())
			Expect(ping(ctx, boot[0].Name, addresses(boot[1])[0])).NotTo(Succeed())
			Expect(ping(ctx, boot[0].Name, addresses(boot[2])[0])).To(Succeed())
			Expect(centre.Heal(ctx)).To(Succeed())
			Eventually(ctx, func() error { return ping(ctx, boot[0].Name, addresses(boot[1])[0]) }).WithTimeout(deadline).Should(Succeed())
		}
	})

	It("is not touched by a second data centre", func(ctx SpecContext) {
		dir := GinkgoT().TempDir()
		Expect(plan.Save(dir)).To(Succeed())
		Expect(os.CopyFS(dir+"/all", os.DirFS("/run/placemat/fabric/description"))).To(Succeed())
		second, err := placemat.New("second")
		Expect(err).NotTo(HaveOccurred())
		Expect(second.Up(ctx, dir+"/all", placemat.Options{})).To(Succeed())
		Expect(second.Down(ctx)).To(Succeed())
		healthy(ctx)
	})
})
