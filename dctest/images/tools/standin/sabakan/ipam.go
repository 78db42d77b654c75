package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/inventory"
)

var errNoIPAM = fail(http.StatusInternalServerError, "IPAM is not configured")

// ipam returns the IPAM configuration, or errNoIPAM if there is none.
func (s *server) ipam(ctx context.Context) (inventory.IPAM, error) {
	var plan inventory.IPAM
	p, err := s.store.Get(ctx, "config/ipam")
	if errors.Is(err, store.ErrNotFound) {
		return plan, errNoIPAM
	}
	if err == nil {
		err = json.Unmarshal(p.Value, &plan)
	}
	return plan, err
}

func (s *server) getConfig(r *http.Request) (int, any, error) {
	p, err := s.store.Get(r.Context(), "config/"+r.PathValue("name"))
	if err != nil {
		return 0, nil, err
	}
	return ok(json.RawMessage(p.Value))
}

func (s *server) putConfig(r *http.Request) (int, any, error) {
	name := r.PathValue("name")
	data, err := body(r)
	if err != nil {
		return 0, nil, err
	}
	switch name {
	case "dhcp":
		err = checkDHCP(data)
	case "ipam":
		var into inventory.IPAM
		if err = json.Unmarshal(data, &into); err == nil {
			err = into.Check()
		}
	default:
		return 0, nil, fail(http.StatusNotFound, "no configuration %s", name)
	}
	if err != nil {
		return 0, nil, fail(http.StatusBadRequest, "config/%s: %v", name, err)
	}
	if known, err := s.machines(r.Context()); name == "ipam" && (err != nil || len(known) > 0) {
		return 0, nil, fail(http.StatusInternalServerError, "config/ipam: machines are registered already")
	}
	return http.StatusOK, nil, s.put(r.Context(), "config/"+name, data)
}

// put stores a value for key, whether or not the key has one.
func (s *server) put(ctx context.Context, key string, value []byte) error {
	p, err := s.store.Get(ctx, key)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return s.store.Update(ctx, key, p.Rev, value)
}

func checkDHCP(data []byte) error {
	var into dhcpConfig
	return json.Unmarshal(data, &into)
}
