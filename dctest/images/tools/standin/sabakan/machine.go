package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/inventory"
)

type machine = inventory.Machine

var errNoMachine = failure{http.StatusNotFound, "not found", "MACHINE_NOT_FOUND"}

func (s *server) getMachines(r *http.Request) (int, any, error) {
	want, err := parseQuery(r.URL.Query())
	if err != nil {
		return 0, nil, err
	}
	all, err := s.machines(r.Context())
	if err != nil {
		return 0, nil, err
	}
	all = slices.DeleteFunc(all, func(m machine) bool { return !want.matches(m) })
	if len(all) == 0 {
		return 0, nil, fail(http.StatusNotFound, "no such machine")
	}
	return ok(all)
}

func (s *server) machines(ctx context.Context) ([]machine, error) {
	pairs, err := s.store.List(ctx, "machines/")
	if err != nil {
		return nil, err
	}
	all := make([]machine, len(pairs))
	for i, p := range pairs {
		if all[i], err = decodeMachine(p); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// postMachines registers all machines in a request, or none if one of them cannot be
// registered.
func (s *server) postMachines(r *http.Request) (int, any, error) {
	data, err := body(r)
	if err != nil {
		return 0, nil, err
	}
	var specs []inventory.Spec
	if err := json.Unmarshal(data, &specs); err != nil {
		return 0, nil, fail(http.StatusBadRequest, "machines: %v", err)
	}
	plan, err := s.ipam(r.Context())
	if err != nil {
		return 0, nil, err
	}
	known, err := s.machines(r.Context())
	if err != nil {
		return 0, nil, err
	}
	values := map[string][]byte{}
	for _, sp := range specs {
		m, err := register(sp, plan, known)
		if err != nil {
			return 0, nil, err
		}
		known = append(known, m)
		if values["machines/"+sp.Serial] != nil {
			return 0, nil, fail(http.StatusConflict, "machine %s is given twice", sp.Serial)
		}
		if values["machines/"+sp.Serial], err = json.Marshal(m); err != nil {
			return 0, nil, err
		}
	}
	return http.StatusCreated, nil, s.store.Create(r.Context(), values)
}

// register returns a new machine with the addresses that are assigned to it.
func register(sp inventory.Spec, plan inventory.IPAM, known []machine) (machine, error) {
	if err := sp.Check(); err != nil {
		return machine{}, fail(http.StatusBadRequest, "%v", err)
	}
	now := time.Now().UTC()
	if sp.RegisterDate.IsZero() {
		sp.RegisterDate = now
	}
	m := machine{Spec: sp, Status: inventory.Status{State: "uninitialized", Timestamp: now}}
	err := plan.Assign(&m, known)
	if errors.Is(err, inventory.ErrBootServer) {
		return m, fail(http.StatusConflict, "%v", err)
	}
	if err != nil {
		return m, fail(http.StatusBadRequest, "%v", err)
	}
	return m, nil
}

func (s *server) deleteMachine(r *http.Request) (int, any, error) {
	serial := r.PathValue("serial")
	m, _, err := s.machine(r.Context(), serial)
	if err != nil {
		return 0, nil, err
	}
	if m.Status.State != "retired" {
		return 0, nil, fail(http.StatusInternalServerError, "machine %s is not retired", serial)
	}
	return http.StatusOK, nil, s.store.Delete(r.Context(), "machines/"+serial)
}

// machine returns a machine, and the revision at which it was stored.
func (s *server) machine(ctx context.Context, serial string) (machine, int64, error) {
	p, err := s.store.Get(ctx, "machines/"+serial)
	if errors.Is(err, store.ErrNotFound) {
		return machine{}, 0, errNoMachine
	}
	if err != nil {
		return machine{}, 0, err
	}
	m, err := decodeMachine(p)
	return m, p.Rev, err
}

func decodeMachine(p store.Pair) (machine, error) {
	var m machine
	err := json.Unmarshal(p.Value, &m)
	m.Status.Duration = time.Since(m.Status.Timestamp).Seconds()
	return m, err
}

// modify applies change to a machine, stores the result and returns it.
func (s *server) modify(ctx context.Context, serial string, change func(*machine) error) (machine, error) {
	for {
		m, rev, err := s.machine(ctx, serial)
		if err != nil {
			return m, err
		}
		if err := change(&m); err != nil {
			return m, err
		}
		value, err := json.Marshal(m)
		if err != nil {
			return m, err
		}
		err = s.store.Update(ctx, "machines/"+serial, rev, value)
		if !errors.Is(err, store.ErrConflict) {
			return m, err
		}
	}
}
