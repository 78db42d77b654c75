package steps

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/cke"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/worker"
)

// containersLimit is how long the action waits for the containers that return and that no
// component of Neco starts. cke-localproxy checks its own every minute.
const containersLimit = 2 * time.Minute

// dockerContainers returns the names of the running containers: of those that are started
// again after a restart of Docker, and of the others. A container with a former name of the
// container of a unit is returned with its current name, because its unit may start it with
// that name.
func (h *Host) dockerContainers(ctx context.Context) (returning, others []string, err error) {
	running, err := h.Docker.RunningContainers(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range running {
		returns, err := h.returns(ctx, c)
		switch {
		case err != nil:
			return nil, nil, err
		case returns:
			returning = append(returning, program.CurrentContainerName(c.Name))
		default:
			others = append(others, program.CurrentContainerName(c.Name))
		}
	}
	return returning, others, nil
}

// returns reports whether the container c is started again after a restart of Docker: by
// Docker, by its own service, or by cke-localproxy.
func (h *Host) returns(ctx context.Context, c host.RunningContainer) (bool, error) {
	if _, of := c.Labels[cke.ContainerLabel]; of {
		return h.Units.IsActive(ctx, neco.CKELocalProxyService)
	}
	runsIt := func(u component.Unit) bool { return slices.Contains(program.ContainerNames(u.Name), c.Name) }
	for _, p := range h.components() {
		if i := slices.IndexFunc(p.Units(), runsIt); i >= 0 {
			return h.Units.IsActive(ctx, p.Units()[i].Name)
		}
	}
	return h.Docker.RestartsWithDocker(ctx, c.Name)
}

// missingContainers waits until the containers in r that return run, at most
// containersLimit, and returns the names of all containers in r that do not run.
func (h *Host) missingContainers(ctx context.Context, t worker.Target, r dockerRestart) (missing []string, err error) {
	limited, cancel := context.WithTimeout(ctx, containersLimit)
	defer cancel()
	var late []string
	err = retry.Until(limited, func() error {
		running, err := h.Docker.RunningContainers(limited)
		if err != nil {
			return err
		}
		late = notRunning(r.Containers, running)
		missing = slices.Concat(late, notRunning(r.Stopped, running))
		if len(late) == 0 {
			return nil
		}
		t.Report("waiting for containers: %s", strings.Join(late, ", "))
		return errMissing
	})
	if err != nil && limited.Err() != nil && ctx.Err() == nil && len(late) > 0 {
		return missing, nil // the limit has ended the wait or the question to Docker
	}
	return missing, err
}

// notRunning returns the names that no container in running has. The current and a former
// name of the container of a unit are the same name.
func notRunning(names []string, running []host.RunningContainer) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		now := program.CurrentContainerName(name)
		return slices.ContainsFunc(running, func(c host.RunningContainer) bool { return program.CurrentContainerName(c.Name) == now })
	})
}

// errMissing reports that a container does not run yet.
var errMissing = errors.New("a container is missing")
