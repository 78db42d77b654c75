package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"time"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/inventory"
)

func (s *server) getLabels(r *http.Request) (int, any, error) {
	m, _, err := s.machine(r.Context(), r.PathValue("serial"))
	if err != nil {
		return 0, nil, err
	}
	if m.Spec.Labels == nil {
		m.Spec.Labels = map[string]string{}
	}
	return ok(m.Spec.Labels)
}

// putLabels adds labels to a machine, or replaces the labels of the same names.
func (s *server) putLabels(r *http.Request) (int, any, error) {
	data, err := body(r)
	if err != nil {
		return 0, nil, err
	}
	var labels map[string]string
	if err := json.Unmarshal(data, &labels); err != nil {
		return 0, nil, fail(http.StatusBadRequest, "labels: %v", err)
	}
	if err := inventory.CheckLabels(labels); err != nil {
		return 0, nil, fail(http.StatusBadRequest, "%v", err)
	}
	_, err = s.modify(r.Context(), r.PathValue("serial"), func(m *machine) error {
		if m.Spec.Labels == nil {
			m.Spec.Labels = map[string]string{}
		}
		maps.Copy(m.Spec.Labels, labels)
		return nil
	})
	return http.StatusOK, nil, err
}

func (s *server) deleteLabel(r *http.Request) (int, any, error) {
	name := r.PathValue("name")
	_, err := s.modify(r.Context(), r.PathValue("serial"), func(m *machine) error {
		if _, found := m.Spec.Labels[name]; !found {
			return fail(http.StatusNotFound, "machine %s has no label %s", m.Spec.Serial, name)
		}
		delete(m.Spec.Labels, name)
		return nil
	})
	return http.StatusOK, nil, err
}

// putRetireDate sets the date at which a machine retires, in the format of RFC 3339.
func (s *server) putRetireDate(r *http.Request) (int, any, error) {
	data, err := body(r)
	if err != nil {
		return 0, nil, err
	}
	date, err := time.Parse(time.RFC3339, string(data))
	if err != nil {
		return 0, nil, fail(http.StatusBadRequest, "retire-date: %v", err)
	}
	_, err = s.modify(r.Context(), r.PathValue("serial"), func(m *machine) error {
		m.Spec.RetireDate = date.UTC()
		return nil
	})
	return http.StatusOK, nil, err
}

// maxKernelParams is the maximum size of the kernel parameters in bytes.
const maxKernelParams = 4 << 10

var kernelParams = regexp.MustCompile(`^[a-zA-Z0-9 =_\x2C-\x5F]*$`)

const kernelParamsKey = "kernel-params/coreos"

func (s *server) getKernelParams(r *http.Request) (int, any, error) {
	p, err := s.store.Get(r.Context(), kernelParamsKey)
	if err != nil {
		return 0, nil, err
	}
	return ok(string(p.Value))
}

func (s *server) putKernelParams(r *http.Request) (int, any, error) {
	data, err := bodyUpTo(r, maxKernelParams)
	if err != nil {
		return 0, nil, err
	}
	if !kernelParams.Match(data) {
		return 0, nil, fail(http.StatusBadRequest, "kernel parameters: invalid character")
	}
	return http.StatusOK, nil, s.put(r.Context(), kernelParamsKey, data)
}
