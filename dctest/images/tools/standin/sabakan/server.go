package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

// server is the HTTP handler.
type server struct {
	store store.Store
	blobs blobs
}

// failure is an error with the HTTP status of its response.
type failure struct {
	status int
	text   string
}

func (f failure) Error() string { return f.text }

func fail(status int, format string, args ...any) error {
	return failure{status, fmt.Sprintf(format, args...)}
}

// route handles one kind of request. It returns the status and the value of the response,
// which is sent as text if it is a string, as JSON otherwise, and not at all if it is
// nil.
type route func(r *http.Request) (int, any, error)

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, f := range map[string]route{
		"GET /version": func(*http.Request) (int, any, error) { return ok(map[string]string{"version": "2.13.0"}) },
		"GET /health":  s.health,

		"GET /api/v1/machines":             s.getMachines,
		"POST /api/v1/machines":            s.postMachines,
		"DELETE /api/v1/machines/{serial}": s.deleteMachine,
		"GET /api/v1/state/{serial}":       s.getState,
		"PUT /api/v1/state/{serial}":       s.putState,

		"GET /api/v1/config/{name}": s.getConfig,
		"PUT /api/v1/config/{name}": s.putConfig,

		"PUT /api/v1/crypts/{serial}/{path...}": s.putCrypt,
		"GET /api/v1/crypts/{serial}/{path...}": s.getCrypt,
		"DELETE /api/v1/crypts/{serial}":        s.deleteCrypts,

		"GET /api/v1/ignitions/{role}":      s.getIgnitions,
		"GET /api/v1/ignitions/{role}/{id}": s.getIgnition,
		"PUT /api/v1/ignitions/{role}/{id}": s.putIgnition,

		"GET /api/v1/images/coreos":         s.getImages,
		"PUT /api/v1/images/coreos/{id}":    s.putImage,
		"DELETE /api/v1/images/coreos/{id}": s.deleteImage,

		"GET /api/v1/assets":             s.getAssets,
		"GET /api/v1/assets/{name}/meta": s.getAssetMeta,
		"PUT /api/v1/assets/{name}":      s.putAsset,
		"DELETE /api/v1/assets/{name}":   s.deleteAsset,

		"POST /graphql": s.graphQL,
	} {
		mux.HandleFunc(pattern, answer(f))
	}
	mux.HandleFunc("GET /api/v1/images/coreos/{id}", s.serveImage)
	mux.HandleFunc("GET /api/v1/assets/{name}", s.serveAsset)
	return localOnly(mux)
}

// localOnly refuses requests of other hosts, except GET requests and the upload of disk
// encryption keys.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		from, err := netip.ParseAddr(host)
		crypt := r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/api/v1/crypts/")
		if r.Method != http.MethodGet && !crypt && (err != nil || !from.IsLoopback()) {
			writeError(w, fail(http.StatusForbidden, "only from this host"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func answer(f route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), store.MaxWait)
		defer cancel()
		if r.Method == http.MethodPut && r.ContentLength != 0 {
			ctx = r.Context() // no time limit for uploads
		}
		status, value, err := f(r.WithContext(ctx))
		if err != nil {
			writeError(w, err)
			return
		}
		switch v := value.(type) {
		case nil:
			w.WriteHeader(status)
		case string:
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(status)
			io.WriteString(w, v)
		case []byte:
			w.Header().Set("Content-Type", "application/octet-stream")
			w.WriteHeader(status)
			w.Write(v)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			json.NewEncoder(w).Encode(v)
		}
	}
}

func writeError(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var f failure
	switch {
	case errors.As(err, &f):
		status = f.status
	case errors.Is(err, store.ErrNotFound):
		status = http.StatusNotFound
	case errors.Is(err, store.ErrExists), errors.Is(err, store.ErrConflict):
		status = http.StatusConflict
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"error": err.Error(), "status": status})
}

func ok(value any) (int, any, error) { return http.StatusOK, value, nil }

// maxBody is the maximum size of requests that are not uploads.
const maxBody = 64 << 20

func body(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err == nil && len(data) > maxBody {
		err = fail(http.StatusRequestEntityTooLarge, "too large")
	}
	return data, err
}

func (s *server) health(r *http.Request) (int, any, error) {
	if _, err := s.store.List(r.Context(), "config/"); err != nil {
		return http.StatusInternalServerError, map[string]string{"health": "unhealthy"}, nil
	}
	return ok(map[string]string{"health": "healthy"})
}
