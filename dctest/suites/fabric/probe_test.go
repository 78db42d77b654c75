//go:build dctest

package fabric

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
)

// interval is the time between two probes, and thus the precision with which a gap is
// measured.
const interval = 20 * time.Millisecond

// few is how many responses show that probes arrive again.
const few = 10

// probe pings continuously until stop is called. stop waits until there are responses
// again, and returns the longest time without a response.
func probe(ctx SpecContext, from string, to netip.Addr) (stop func() time.Duration) {
	GinkgoHelper()
	cmd, err := dc.NetworkCommand(context.Background(), from, "ping", "-n", "-D",
		"-i", fmt.Sprintf("%.3f", interval.Seconds()), "-W", "1", to.String())
	Expect(err).NotTo(HaveOccurred())
	out := gbytes.NewBuffer()
	cmd.Stdout = out
	Expect(cmd.Start()).To(Succeed())
	DeferCleanup(func() { endProbe(cmd) })
	more := func() {
		GinkgoHelper()
		before := len(answers(out))
		Eventually(ctx, func() int { return len(answers(out)) }).WithTimeout(deadline).WithPolling(interval).
			Should(BeNumerically(">", before+few), "the probe gets responses")
	}
	more()
	return func() time.Duration {
		GinkgoHelper()
		more()
		endProbe(cmd)
		return longestGap(answers(out))
	}
}

func endProbe(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		_ = cmd.Process.Signal(syscall.SIGINT) // ping may have ended by itself
		_ = cmd.Wait()                         // the exit code does not matter
	}
}

var answer = regexp.MustCompile(`(?m)^\[(\d+\.\d+)\] \d+ bytes from`)

// answers returns the times of the responses in seconds.
func answers(out *gbytes.Buffer) []float64 {
	GinkgoHelper()
	var all []float64
	for _, m := range answer.FindAllSubmatch(out.Contents(), -1) {
		at, err := strconv.ParseFloat(string(m[1]), 64)
		Expect(err).NotTo(HaveOccurred())
		all = append(all, at)
	}
	return all
}

func longestGap(answers []float64) time.Duration {
	var gap float64
	for i := 1; i < len(answers); i++ {
		gap = max(gap, answers[i]-answers[i-1])
	}
	return time.Duration(gap * float64(time.Second)).Round(time.Millisecond)
}
