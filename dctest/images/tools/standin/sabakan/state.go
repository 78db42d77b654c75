package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/inventory"
)

// transitions maps each state of a machine to the states that may follow it.
func transitions() map[string][]string {
	return map[string][]string{
		"uninitialized": {"healthy", "retiring"},
		"healthy":       {"unhealthy", "unreachable", "updating", "retiring"},
		"unhealthy":     {"healthy", "unreachable", "updating", "retiring"},
		"unreachable":   {"healthy", "unhealthy", "updating", "retiring"},
		"updating":      {"uninitialized"},
		"retiring":      {"retired"},
		"retired":       {"uninitialized"},
	}
}

func (s *server) getState(r *http.Request) (int, any, error) {
	m, _, err := s.machine(r.Context(), r.PathValue("serial"))
	if err != nil {
		return 0, nil, err
	}
	return ok(m.Status.State)
}

// maxState is the maximum size of a state in a request, in bytes.
const maxState = 128

func (s *server) putState(r *http.Request) (int, any, error) {
	data, err := bodyUpTo(r, maxState)
	if err != nil {
		return 0, nil, err
	}
	_, err = s.setState(r.Context(), r.PathValue("serial"), strings.TrimSpace(string(data)))
	return http.StatusOK, nil, err
}

// setState changes the state of a machine and the timestamp of that state. If the machine
// already has the state, setState changes nothing and does not fail.
func (s *server) setState(ctx context.Context, serial, state string) (machine, error) {
	if _, known := transitions()[state]; !known {
		return machine{}, failure{http.StatusBadRequest, fmt.Sprintf("invalid state [%s]", state), "INVALID_STATE_NAME"}
	}
	return s.modify(ctx, serial, func(m *machine) error {
		if m.Status.State == state {
			return nil
		}
		if !slices.Contains(transitions()[m.Status.State], state) {
			return failure{http.StatusInternalServerError,
				fmt.Sprintf("transition from [%s] to [%s] is forbidden", m.Status.State, state), "INVALID_STATE_TRANSITION"}
		}
		if state == "retired" {
			if err := s.checkNoCrypts(ctx, serial); err != nil {
				return err
			}
		}
		m.Status = inventory.Status{State: state, Timestamp: time.Now().UTC()}
		return nil
	})
}

func (s *server) checkNoCrypts(ctx context.Context, serial string) error {
	keys, err := s.store.List(ctx, "crypts/"+serial+"/")
	if err == nil && len(keys) > 0 {
		return failure{http.StatusBadRequest, fmt.Sprintf("machine %s has disk keys left", serial), "ENCRYPTION_KEY_EXISTS"}
	}
	return err
}
