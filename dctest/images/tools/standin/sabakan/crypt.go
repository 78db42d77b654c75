package main

import (
	"net/http"
	"strings"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

// maxCrypt is the maximum size of a disk encryption key in bytes.
const maxCrypt = 4 << 10

func (s *server) putCrypt(r *http.Request) (int, any, error) {
	serial, path := r.PathValue("serial"), r.PathValue("path")
	m, _, err := s.machine(r.Context(), serial)
	if err != nil {
		return 0, nil, err
	}
	if m.Status.State == "retiring" || m.Status.State == "retired" {
		return 0, nil, fail(http.StatusInternalServerError, "machine %s is %s", serial, m.Status.State)
	}
	data, err := bodyUpTo(r, maxCrypt)
	if err != nil {
		return 0, nil, err
	}
	if len(data) == 0 {
		return 0, nil, fail(http.StatusBadRequest, "the key is empty")
	}
	err = s.store.Create(r.Context(), map[string][]byte{"crypts/" + serial + "/" + path: data})
	return http.StatusCreated, map[string]any{"status": http.StatusCreated, "path": path}, err
}

func (s *server) getCrypt(r *http.Request) (int, any, error) {
	p, err := s.store.Get(r.Context(), "crypts/"+r.PathValue("serial")+"/"+r.PathValue("path"))
	if err != nil {
		return 0, nil, err
	}
	return ok(p.Value)
}

func (s *server) deleteCrypts(r *http.Request) (int, any, error) {
	serial := r.PathValue("serial")
	m, _, err := s.machine(r.Context(), serial)
	if err != nil {
		return 0, nil, err
	}
	if m.Status.State != "retiring" {
		return 0, nil, fail(http.StatusInternalServerError, "machine %s is %s, not retiring", serial, m.Status.State)
	}
	prefix := "crypts/" + serial + "/"
	pairs, err := s.store.List(r.Context(), prefix)
	if err != nil {
		return 0, nil, err
	}
	paths, keys := names(pairs, prefix), []string{}
	for _, p := range pairs {
		keys = append(keys, p.Key)
	}
	if err := s.store.Delete(r.Context(), keys...); err != nil {
		return 0, nil, err
	}
	return ok(paths)
}

// names returns the keys of pairs without prefix. The result is never nil.
func names(pairs []store.Pair, prefix string) []string {
	all := []string{}
	for _, p := range pairs {
		all = append(all, strings.TrimPrefix(p.Key, prefix))
	}
	return all
}
