package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// transitions returns the states that may follow each state.
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

func (s *server) putState(r *http.Request) (int, any, error) {
	data, err := body(r)
	if err != nil {
		return 0, nil, err
	}
	_, err = s.setState(r.Context(), r.PathValue("serial"), strings.TrimSpace(string(data)))
	return http.StatusOK, nil, err
}

func (s *server) setState(ctx context.Context, serial, state string) (machine, error) {
	if _, known := transitions()[state]; !known {
		return machine{}, fail(http.StatusBadRequest, "%q is not a state", state)
	}
	m, rev, err := s.machine(ctx, serial)
	if err != nil || m.Status.State == state {
		return m, err
	}
	if !slices.Contains(transitions()[m.Status.State], state) {
		return m, fail(http.StatusInternalServerError, "machine %s: %s does not follow %s", serial, state, m.Status.State)
	}
	if state == "retired" {
		keys, err := s.store.List(ctx, "crypts/"+serial+"/")
		if err != nil {
			return m, err
		}
		if len(keys) > 0 {
			return m, fail(http.StatusBadRequest, "machine %s has disk keys left", serial)
		}
	}
	m.Status = status{State: state, Timestamp: time.Now().UTC()}
	value, err := json.Marshal(m)
	if err != nil {
		return m, err
	}
	return m, s.store.Update(ctx, "machines/"+serial, rev, value)
}
