package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

type asset struct {
	Name        string            `json:"name"`
	ID          int               `json:"id"`
	ContentType string            `json:"content-type"`
	Date        time.Time         `json:"date"`
	SHA256      string            `json:"sha256"`
	URLs        []string          `json:"urls"`
	Exists      bool              `json:"exists"`
	Options     map[string]string `json:"options"`
}

const (
	optionHeader = "X-Sabakan-Asset-Options-"
	// maxAsset is the maximum size of an asset in bytes; a larger one is refused.
	maxAsset = 4 << 30
)

func (s *server) getAssets(r *http.Request) (int, any, error) {
	pairs, err := s.store.List(r.Context(), "assets/")
	if err != nil {
		return 0, nil, err
	}
	return ok(names(pairs, "assets/"))
}

func (s *server) asset(ctx context.Context, name string) (asset, int64, error) {
	var a asset
	p, err := s.store.Get(ctx, "assets/"+name)
	if err == nil {
		err = json.Unmarshal(p.Value, &a)
	}
	a.Exists = s.blobs.has(a.SHA256)
	return a, p.Rev, err
}

func (s *server) getAssetMeta(r *http.Request) (int, any, error) {
	a, _, err := s.asset(r.Context(), r.PathValue("name"))
	if err != nil {
		return 0, nil, err
	}
	return ok(a)
}

func (s *server) putAsset(r *http.Request) (int, any, error) {
	name, kind := r.PathValue("name"), r.Header.Get("Content-Type")
	if kind == "" {
		return 0, nil, fail(http.StatusBadRequest, "asset %s: no Content-Type", name)
	}
	if r.ContentLength < 0 {
		return 0, nil, fail(http.StatusLengthRequired, "asset %s: no Content-Length", name)
	}
	if r.ContentLength > maxAsset {
		return 0, nil, fail(http.StatusRequestEntityTooLarge, "asset %s: more than %d bytes", name, int64(maxAsset))
	}
	old, rev, err := s.asset(r.Context(), name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, nil, err
	}
	digest, size, err := s.blobs.write(r.Body, strings.ToLower(r.Header.Get("X-Sabakan-Asset-SHA256")))
	if err != nil {
		return 0, nil, err
	}
	if size != r.ContentLength {
		return 0, nil, fail(http.StatusBadRequest, "asset %s: %d bytes of %d", name, size, r.ContentLength)
	}
	a := asset{Name: name, ID: old.ID + 1, ContentType: kind, Date: time.Now().UTC(), SHA256: digest, URLs: []string{s.blobs.self}, Options: options(r.Header)}
	if a.same(old) { // the same file again
		a.ID, a.Date, a.URLs = old.ID, old.Date, union(old.URLs, s.blobs.self)
	}
	value, err := json.Marshal(a)
	if err != nil {
		return 0, nil, err
	}
	if err := s.store.Update(r.Context(), "assets/"+name, rev, value); err != nil {
		return 0, nil, err
	}
	status := http.StatusOK
	if rev == 0 {
		status = http.StatusCreated
	}
	return status, map[string]any{"status": status, "id": strconv.Itoa(a.ID)}, nil
}

func (a asset) same(b asset) bool {
	return a.SHA256 == b.SHA256 && a.ContentType == b.ContentType && maps.Equal(a.Options, b.Options)
}

func union(all []string, one string) []string {
	if slices.Contains(all, one) {
		return all
	}
	return append(all, one)
}

// options returns the options of an asset from the headers of its upload. Their names are
// in lower case and without the header prefix.
func options(h http.Header) map[string]string {
	all := map[string]string{}
	for key := range h {
		if name, found := strings.CutPrefix(key, optionHeader); found {
			all[strings.ToLower(name)] = h.Get(key)
		}
	}
	return all
}

func (s *server) deleteAsset(r *http.Request) (int, any, error) {
	name := r.PathValue("name")
	if _, _, err := s.asset(r.Context(), name); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, nil, s.store.Delete(r.Context(), "assets/"+name)
}

// serveAsset sends the file of an asset, with the asset's options as headers. If the file
// is not on this server, it redirects to another server that has it.
func (s *server) serveAsset(w http.ResponseWriter, r *http.Request) {
	a, _, err := s.asset(r.Context(), r.PathValue("name"))
	if err != nil {
		writeError(w, err)
		return
	}
	if !a.Exists {
		s.redirect(w, r, a.URLs)
		return
	}
	f, err := s.blobs.open(a.SHA256)
	if err != nil {
		writeError(w, err)
		return
	}
	defer f.Close()
	w.Header().Set("X-Sabakan-Asset-ID", strconv.Itoa(a.ID))
	w.Header().Set("X-Sabakan-Asset-SHA256", a.SHA256)
	for key, value := range a.Options {
		w.Header().Set(optionHeader+key, value)
	}
	w.Header().Set("Content-Type", a.ContentType)
	http.ServeContent(w, r, "", a.Date, f)
}

func (s *server) redirect(w http.ResponseWriter, r *http.Request, urls []string) {
	i := slices.IndexFunc(urls, func(u string) bool { return u != s.blobs.self })
	if i < 0 {
		writeError(w, fail(http.StatusNotFound, "no server has %s", r.URL.Path))
		return
	}
	http.Redirect(w, r, urls[i]+r.URL.Path, http.StatusFound)
}
