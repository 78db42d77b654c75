//go:build dctest

package dpkg

import (
	"context"
	"errors"
	"os/exec"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/cybozu-go/neco/dctest/dctesting"
)

// way is one way to use dpkg. Its steps follow each other.
type way struct {
	name  string
	steps []step
}

// step is a part of a way.
type step struct {
	// script runs on the boot server, after the functions of prelude.
	script string
	// fails is a pattern in the output of a script that must fail. Without it the script must
	// succeed. says is a pattern in the output of any script.
	fails, says string
	// want are the changes. Nothing else may change.
	want Changes
	// heals means that neco-worker repairs the state, so that the changes may come later.
	heals bool
}

// run runs the steps of a way, and compares the states of the boot server before and after
// each.
func run(ctx SpecContext, w way) {
	GinkgoHelper()
	state, err := observe(ctx)
	Expect(err).NotTo(HaveOccurred())
	for _, s := range w.steps {
		perform(ctx, s)
		settle(ctx)
		state, err = s.compare(ctx, state)
		Expect(err).NotTo(HaveOccurred(), "%s, after this script: %s", w.name, s.script)
	}
}

// perform runs the script of a step, again while another dpkg has the lock, and checks its
// exit code and its output.
func perform(ctx SpecContext, s step) {
	GinkgoHelper()
	var out string
	var failed error
	Expect(dctesting.Eventually(ctx, limit, "dpkg's lock", func(ctx context.Context) error {
		out, failed = lab.Exec(ctx, "boot-0", "sh", "-c", "exec 2>&1\n"+prelude+s.script+"\nexit $?")
		if locked.MatchString(out) {
			return errors.New(out)
		}
		return nil
	})).To(Succeed())
	GinkgoWriter.Printf("%s\n%s\n", s.script, out)
	if s.fails == "" {
		Expect(failed == nil).To(BeTrue(), "%s: it must succeed, and failed:\n%s", s.script, out)
	} else {
		var exit *exec.ExitError
		Expect(errors.As(failed, &exit)).To(BeTrue(), "%s: it must fail, and did not:\n%s", s.script, out)
		Expect(out).To(MatchRegexp(s.fails))
	}
	Expect(out).To(MatchRegexp(s.says))
}

// locked is what dpkg prints while neco-worker, which has just been started, runs dpkg.
var locked = regexp.MustCompile(`is locked by another process|was locked by another process`)

// settle waits until systemd has no jobs, dpkg does not run, and no daemon waits for its restart: the
// package's scripts do not wait for what they start, and a neco-worker that starts may run dpkg,
// and ends if that fails.
func settle(ctx SpecContext) {
	GinkgoHelper()
	Expect(dctesting.Eventually(ctx, limit, "the end of systemd's jobs and of dpkg", func(ctx context.Context) error {
		out, err := lab.Exec(ctx, "boot-0", "sh", "-c", "systemctl list-jobs --no-legend; pgrep -ax dpkg; systemctl list-units --no-legend --state=activating 'neco-*'")
		if out = strings.TrimSpace(out); err == nil && out != "" && !strings.HasPrefix(out, "No jobs") {
			err = errors.New(out)
		}
		return err
	})).To(Succeed())
}

// observe returns the state of the boot server.
func observe(ctx context.Context) (Observation, error) {
	text, err := lab.ExecWith(ctx, strings.NewReader(look), "boot-0", "sh")
	if err != nil {
		return nil, err
	}
	return Parse(text)
}

// compare returns the state of the boot server, and an error that lists what differs from the
// state before as the step does not want it.
func (s step) compare(ctx context.Context, before Observation) (after Observation, err error) {
	check := func(ctx context.Context) error {
		if after, err = observe(ctx); err != nil {
			return err
		}
		if lines := Differences(before, after, s.want); len(lines) > 0 {
			return errors.New(strings.Join(lines, "\n"))
		}
		return nil
	}
	if s.heals {
		err = dctesting.Eventually(ctx, limit, "the repair", check)
	} else {
		err = check(ctx)
	}
	return after, err
}
