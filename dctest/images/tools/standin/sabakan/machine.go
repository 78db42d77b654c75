package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

type machine struct {
	Spec   spec            `json:"spec"`
	Status status          `json:"status"`
	Info   json.RawMessage `json:"info"`
}

type spec struct {
	Serial      string            `json:"serial"`
	Labels      map[string]string `json:"labels,omitempty"`
	Rack        uint              `json:"rack"`
	IndexInRack uint              `json:"index-in-rack"`
	Role        string            `json:"role"`
	IPv4        []string          `json:"ipv4"`
	Registered  time.Time         `json:"register-date"`
	Retires     time.Time         `json:"retire-date"`
	BMC         bmc               `json:"bmc"`
}

type bmc struct {
	Type string `json:"type"`
	IPv4 string `json:"ipv4"`
}

type status struct {
	State     string    `json:"state"`
	Timestamp time.Time `json:"timestamp"`
	Duration  float64   `json:"duration"`
}

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
		if err := json.Unmarshal(p.Value, &all[i]); err != nil {
			return nil, err
		}
		all[i].Status.Duration = time.Since(all[i].Status.Timestamp).Seconds()
	}
	return all, nil
}

// postMachines registers all machines of a request, or none.
func (s *server) postMachines(r *http.Request) (int, any, error) {
	data, err := body(r)
	if err != nil {
		return 0, nil, err
	}
	var specs []spec
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
		if sp.Serial == "" || sp.Role == "" {
			return 0, nil, fail(http.StatusBadRequest, "machines: serial and role must be given")
		}
		m := machine{Spec: sp, Status: status{State: "uninitialized", Timestamp: time.Now().UTC()}, Info: json.RawMessage(`{}`)}
		if err := plan.assign(&m.Spec, known); err != nil {
			return 0, nil, err
		}
		known = append(known, m)
		if values["machines/"+sp.Serial], err = json.Marshal(m); err != nil {
			return 0, nil, err
		}
	}
	return http.StatusCreated, nil, s.store.Create(r.Context(), values)
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

func (s *server) machine(ctx context.Context, serial string) (machine, int64, error) {
	p, err := s.store.Get(ctx, "machines/"+serial)
	if errors.Is(err, store.ErrNotFound) {
		return machine{}, 0, fail(http.StatusNotFound, "no machine %s", serial)
	}
	var m machine
	if err == nil {
		err = json.Unmarshal(p.Value, &m)
	}
	return m, p.Rev, err
}
