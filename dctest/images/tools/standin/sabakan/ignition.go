package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/hashicorp/go-version"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/render"
)

const (
	// ignitionsKept is how many templates of a role are kept.
	ignitionsKept = 10
	// maxIgnition is the maximum size of an uploaded template in bytes.
	maxIgnition = 2 << 20
)

func ignitionKey(role, id string) string { return "ignitions/" + role + "/" + id }

// ignitionIDs returns the IDs of a role's templates, sorted by version.
func (s *server) ignitionIDs(ctx context.Context, role string) ([]string, error) {
	prefix := ignitionKey(role, "")
	pairs, err := s.store.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	var versions []*version.Version
	for _, id := range names(pairs, prefix) {
		v, err := version.NewVersion(id)
		if err != nil {
			return nil, err
		}
		versions = append(versions, v)
	}
	slices.SortStableFunc(versions, (*version.Version).Compare)
	var ids []string
	for _, v := range versions {
		ids = append(ids, v.Original())
	}
	return ids, nil
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
	p, err := s.store.Get(r.Context(), ignitionKey(r.PathValue("role"), r.PathValue("id")))
	if err != nil {
		return 0, nil, err
	}
	return ok(json.RawMessage(p.Value))
}

func (s *server) deleteIgnition(r *http.Request) (int, any, error) {
	key := ignitionKey(r.PathValue("role"), r.PathValue("id"))
	if _, err := s.store.Get(r.Context(), key); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, nil, s.store.Delete(r.Context(), key)
}

func (s *server) putIgnition(r *http.Request) (int, any, error) {
	role, id := r.PathValue("role"), r.PathValue("id")
	if _, err := version.NewVersion(id); err != nil {
		return 0, nil, fail(http.StatusBadRequest, "ignition %s/%s: %v", role, id, err)
	}
	data, err := bodyUpTo(r, maxIgnition)
	if err != nil {
		return 0, nil, err
	}
	plan, err := s.ipam(r.Context())
	if err != nil && !errors.Is(err, errNoIPAM) {
		return 0, nil, err
	}
	if err == nil {
		err = s.checkIgnition(data, plan.Dummy())
	}
	if err != nil {
		return 0, nil, fail(http.StatusBadRequest, "ignition %s/%s: %v", role, id, err)
	}
	if err := s.store.Create(r.Context(), map[string][]byte{ignitionKey(role, id): data}); err != nil {
		return 0, nil, err
	}
	ids, err := s.ignitionIDs(r.Context(), role)
	if err != nil {
		return 0, nil, err
	}
	var old []string
	for _, id := range ids[:max(0, len(ids)-ignitionsKept)] {
		old = append(old, ignitionKey(role, id))
	}
	return http.StatusCreated, nil, s.store.Delete(r.Context(), old...)
}

// checkIgnition returns an error if an uploaded template cannot be rendered for the
// machine m.
func (s *server) checkIgnition(data []byte, m machine) error {
	upload, err := render.Parse(data)
	if err != nil {
		return err
	}
	_, err = upload.Render(s.blobs.self, m)
	return err
}

// bootIgnition returns a template of the machine's role, rendered for this machine.
func (s *server) bootIgnition(r *http.Request) (int, any, error) {
	m, _, err := s.machine(r.Context(), r.PathValue("serial"))
	if err != nil {
		return 0, nil, err
	}
	id := r.PathValue("id")
	p, err := s.store.Get(r.Context(), ignitionKey(m.Spec.Role, id))
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil, fail(http.StatusNotFound, "no ignition %s of role %s", id, m.Spec.Role)
	}
	if err != nil {
		return 0, nil, err
	}
	upload, err := render.Parse(p.Value)
	if err != nil {
		return 0, nil, err
	}
	rendered, err := upload.Render(s.blobs.self, m)
	if err != nil {
		return 0, nil, err
	}
	return ok(json.RawMessage(rendered))
}
