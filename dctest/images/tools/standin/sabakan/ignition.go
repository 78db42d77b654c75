package main

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
)

// ignitionsKept is the maximum number of templates of a role.
const ignitionsKept = 10

func (s *server) ignitionIDs(ctx context.Context, role string) ([]string, error) {
	prefix := "ignitions/" + role + "/"
	pairs, err := s.store.List(ctx, prefix)
	ids := names(pairs, prefix)
	slices.SortFunc(ids, compareVersions)
	return ids, err
}

func (s *server) getIgnitions(r *http.Request) (int, any, error) {
	ids, err := s.ignitionIDs(r.Context(), r.PathValue("role"))
	if err != nil {
		return 0, nil, err
	}
	if len(ids) == 0 {
		return 0, nil, fail(http.StatusNotFound, "no ignitions of role %s", r.PathValue("role"))
	}
	return ok(ids)
}

func (s *server) getIgnition(r *http.Request) (int, any, error) {
	p, err := s.store.Get(r.Context(), "ignitions/"+r.PathValue("role")+"/"+r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	return ok(json.RawMessage(p.Value))
}

func (s *server) putIgnition(r *http.Request) (int, any, error) {
	role, id := r.PathValue("role"), r.PathValue("id")
	data, err := body(r)
	if err != nil {
		return 0, nil, err
	}
	var template struct {
		Version  string          `json:"version"`
		Template json.RawMessage `json:"template"`
	}
	if err := json.Unmarshal(data, &template); err != nil {
		return 0, nil, fail(http.StatusBadRequest, "ignition %s/%s: %v", role, id, err)
	}
	if template.Version == "" || len(template.Template) == 0 {
		return 0, nil, fail(http.StatusBadRequest, "ignition %s/%s: no version or no template", role, id)
	}
	if err := s.store.Create(r.Context(), map[string][]byte{"ignitions/" + role + "/" + id: data}); err != nil {
		return 0, nil, err
	}
	ids, err := s.ignitionIDs(r.Context(), role)
	if err != nil {
		return 0, nil, err
	}
	var old []string
	for _, id := range ids[:max(0, len(ids)-ignitionsKept)] {
		old = append(old, "ignitions/"+role+"/"+id)
	}
	return http.StatusCreated, nil, s.store.Delete(r.Context(), old...)
}

var parts = regexp.MustCompile(`[0-9]+|[^0-9]+`)

// compareVersions compares two versions; numbers in them are compared numerically.
func compareVersions(a, b string) int {
	pa, pb := parts.FindAllString(a, -1), parts.FindAllString(b, -1)
	return slices.CompareFunc(pa, pb, func(x, y string) int {
		nx, errx := strconv.ParseUint(x, 10, 64)
		ny, erry := strconv.ParseUint(y, 10, 64)
		if errx == nil && erry == nil {
			return cmp.Compare(nx, ny)
		}
		return cmp.Compare(x, y)
	})
}
