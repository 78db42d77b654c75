package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/etcd"
	"github.com/cybozu-go/neco/pkg/dockerproxy"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/membership"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/worker"
)

// dockerStatePath is the path of the file with the dockerState of this host.
const dockerStatePath = "/var/lib/neco/docker-restart.json"

// dockerState is what a host remembers about the restart of Docker.
type dockerState struct {
	// Restart is the restart that is not finished, or nil.
	Restart *dockerRestart `json:"restart,omitempty"`
	// Ineffective is the proxy that Docker still had after the last restart, if it was not
	// the one in Docker's files. The restart is not repeated as long as that is so.
	Ineffective string `json:"ineffective,omitempty"`
}

// dockerRestart is a restart of Docker, which stops all containers. It is stored before
// the restart, so that a worker which is killed continues it.
type dockerRestart struct {
	// Programs and Containers worked before the restart, and have to work again.
	Programs   []string `json:"programs"`
	Containers []string `json:"containers"`
	// Stopped are the containers that ran before the restart and that nothing starts again,
	// such as those that an operator has started by hand.
	Stopped []string `json:"stopped,omitempty"`
	// Done means that Docker was restarted; the containers may still be missing.
	Done bool `json:"done"`
}

// dockerPlan lists the changes that make Docker use the configured proxy.
type dockerPlan struct {
	state dockerState
	proxy string
	// leftAlone is why Docker's proxy must not be changed, or "".
	leftAlone string
	// write and restart mean that Docker's files differ, and that Docker has to be restarted.
	write, restart bool
}

// due reports whether the plan contains anything to do or to report.
func (p dockerPlan) due() bool {
	return p.write || p.restart || p.leftAlone != "" || p.state.Restart != nil
}

// planDocker compares Docker's files and the proxy of the running daemon with the
// configuration. It changes nothing.
func (h *Host) planDocker(ctx context.Context, t worker.Target) (p dockerPlan, err error) {
	if _, err := h.FS.LoadState(dockerStatePath, &p.state); err != nil {
		if errors.Is(err, host.ErrMalformed) {
			err = fmt.Errorf("%w; remove it", err)
		}
		return p, err
	}
	p.proxy = t.Config.Proxy
	if p.leftAlone, err = h.dockerLeftAlone(ctx, p.proxy); err != nil {
		return p, err
	}
	if p.leftAlone == "" {
		if p.write, err = dockerproxy.Differs(h.FS, p.proxy); err != nil {
			return p, err
		}
	}
	// A Docker that did not start in an interrupted restart cannot be asked.
	if r := p.state.Restart; r != nil && !r.Done {
		p.restart = true
		return p, nil
	}
	if p.leftAlone == "" {
		now, effective, err := h.dockerUses(ctx, p.proxy)
		if err != nil {
			return p, err
		}
		// docker info does not show a password, so another file is taken for another password.
		p.restart = !effective && (p.write || now != p.state.Ineffective) || p.write && dockerproxy.Secret(p.proxy)
	}
	return p, nil
}

// dockerLeftAlone returns the reason why Docker's proxy must not be changed, or "".
func (h *Host) dockerLeftAlone(ctx context.Context, proxy string) (string, error) {
	reason, err := dockerproxy.Foreign(h.FS)
	if err != nil {
		return "", err
	}
	if reason != "" {
		return "Docker's proxy left alone: " + reason, nil
	}
	if proxy != "" {
		return "", nil
	}
	// A key that cannot be read counts as not set in the configuration of the run. Docker
	// must not lose its proxy for that.
	k, err := storage.FindConfigKey("proxy")
	if err != nil {
		return "", worker.Permanent(err)
	}
	_, err = storage.New(h.Etcd).GetConfig(ctx, k)
	bad := storage.MalformedKey{}
	switch {
	case errors.Is(err, storage.ErrNotSet):
		return "", nil
	case errors.As(err, &bad):
		return fmt.Sprintf("Docker's proxy left alone: %v", err), nil
	case err != nil:
		return "", err
	}
	return "Docker's proxy left alone: it was set during this update; the next one applies it", nil
}

// dockerUses returns the proxy that the running daemon uses, without passwords, and
// whether it is the given one.
func (h *Host) dockerUses(ctx context.Context, proxy string) (now string, is bool, err error) {
	http, https, err := h.Docker.Proxies(ctx)
	want := dockerproxy.Shown(proxy)
	return http + " " + https, http == want && https == want, err
}

// setDockerProxy is an action: it makes Docker use the configured proxy. If that needs a
// restart of Docker, which stops all containers of this host, it fails while a member of
// etcd is not healthy, and otherwise waits until all that worked before works again.
func setDockerProxy(ctx context.Context, h *Host, _ component.Component, t worker.Target) (string, error) {
	p, err := h.planDocker(ctx, t)
	switch {
	case err != nil, !p.due():
		return "", err
	case p.leftAlone != "" && p.state.Restart == nil:
		return p.leftAlone, nil
	}
	if p.restart {
		if err := h.beginDockerRestart(ctx, t, &p.state); err != nil {
			return "", fmt.Errorf("restart Docker for another proxy: %w", err)
		}
	}
	if p.leftAlone == "" {
		if err := dockerproxy.Replace(h.FS, p.proxy); err != nil {
			return "", fmt.Errorf("write Docker's proxy: %w", err)
		}
	}
	if p.restart {
		t.Report("restarting Docker, which gets another proxy")
		if err := h.Units.Restart(ctx, dockerproxy.Service); err != nil {
			return "", err
		}
		p.state.Restart.Done = true
		if err := h.FS.SaveState(dockerStatePath, p.state); err != nil {
			return "", err
		}
	}
	if p.state.Restart == nil {
		return "replaced the files of Docker's proxy; Docker agrees with them and was not restarted", nil
	}
	return h.endDockerRestart(ctx, t, p)
}

// beginDockerRestart checks that Docker may be restarted, and stores in s and on the disk
// the programs and containers that have to work afterwards.
func (h *Host) beginDockerRestart(ctx context.Context, t worker.Target, s *dockerState) error {
	wanted := peerURLs(t)
	if s.Restart != nil {
		// This host's member may be down because of an earlier attempt.
		wanted = slices.DeleteFunc(wanted, func(url string) bool { return url == etcd.PeerURL(t.LRN) })
	}
	now, err := membership.Query(ctx, h.Etcd)
	if err != nil {
		return err
	}
	if err := now.MayRestart(wanted); err != nil {
		return err
	}
	if s.Restart == nil {
		if s.Restart, err = h.dockerDependents(ctx, t); err != nil {
			return err
		}
	}
	s.Restart.Done = false
	return h.FS.SaveState(dockerStatePath, *s)
}

// dockerDependents returns what works on this host now. It checks that the programs can
// start again.
func (h *Host) dockerDependents(ctx context.Context, t worker.Target) (*dockerRestart, error) {
	r := &dockerRestart{}
	var err error
	if r.Containers, r.Stopped, err = h.dockerContainers(ctx); err != nil {
		return nil, err
	}
	for _, c := range h.components() {
		ch, ct, err := h.component(ctx, c, t)
		if err != nil {
			return nil, err
		}
		works, err := component.Works(ctx, ch, c, ct)
		if err != nil {
			return nil, err
		}
		if !works {
			continue
		}
		if err := component.Prepare(ctx, ch, c, ct); err != nil {
			return nil, err
		}
		r.Programs = append(r.Programs, c.Name())
	}
	return r, nil
}

// components returns the components in the table, each once, in the order of the steps.
func (h *Host) components() []component.Component {
	var all []component.Component
	for _, r := range h.rows {
		if r.component == nil || slices.ContainsFunc(all, func(c component.Component) bool { return c.Name() == r.component.Name() }) {
			continue
		}
		all = append(all, r.component)
	}
	return all
}

// endDockerRestart waits until all that worked before the restart of Docker works again,
// and returns the result as a note.
func (h *Host) endDockerRestart(ctx context.Context, t worker.Target, p dockerPlan) (string, error) {
	lost, err := h.awaitDependents(ctx, t, *p.state.Restart)
	if err != nil {
		return "", fmt.Errorf("after the restart of Docker: %w", err)
	}
	now, effective, err := h.dockerUses(ctx, p.proxy)
	if err != nil {
		return "", err
	}
	note := "Docker uses the new proxy"
	switch {
	case p.leftAlone != "":
		note = p.leftAlone
	case !effective:
		note = "Docker was restarted and still uses another proxy than the configured one; systemctl cat docker and /etc/docker/daemon.json show where it is set"
		p.state.Ineffective = now
	case p.proxy == "":
		note = "Docker uses no proxy any more"
	}
	if effective {
		p.state.Ineffective = ""
	}
	if len(lost) > 0 {
		note += "; containers that were not started again: " + strings.Join(lost, ", ")
	}
	p.state.Restart = nil
	return note, h.saveDockerState(p.state)
}

func (h *Host) saveDockerState(s dockerState) error {
	if s == (dockerState{}) {
		return h.FS.Remove(dockerStatePath)
	}
	return h.FS.SaveState(dockerStatePath, s)
}

// awaitDependents waits until the programs and the etcd member in r work, and the
// containers in r that return. It returns the names of the containers in r that do not run
// then, or within containersLimit after the start of the programs.
func (h *Host) awaitDependents(ctx context.Context, t worker.Target, r dockerRestart) (lost []string, err error) {
	for _, c := range h.components() {
		if !slices.Contains(r.Programs, c.Name()) {
			continue
		}
		ch, ct, err := h.component(ctx, c, t)
		if err != nil {
			return nil, err
		}
		if err := component.Resume(ctx, ch, c, ct); err != nil {
			return nil, err
		}
	}
	err = retry.Until(ctx, func() error {
		now, err := membership.Query(ctx, h.Etcd)
		if err == nil {
			err = now.MayRestart([]string{etcd.PeerURL(t.LRN)})
		}
		if err != nil {
			t.Report("waiting for etcd: %v", err)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return h.missingContainers(ctx, t, r)
}
