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
	"slices"
	"strings"

	"github.com/cybozu-go/neco/dctest/images/tools/standin/internal/store"
)

// server handles the requests to sabakan.
type server struct {
	store store.Store
	blobs blobs
	// allow holds the addresses from which all requests are allowed.
	allow []netip.Addr
	// ipxe is the path of the file that is served as boot/ipxe.efi.
	ipxe string
	// received counts the bodies of requests that upload something.
	received received
}

// failure is an error with the HTTP status of its response.
type failure struct {
	status int
	text   string
	// kind is the type in the extensions of a GraphQL error; empty if it has none.
	kind string
}

func (f failure) Error() string { return f.text }

func fail(status int, format string, args ...any) error {
	return failure{status: status, text: fmt.Sprintf(format, args...)}
}

// route handles one kind of request. It returns the status and the content of the
// response: text, bytes, nil for none, or a value that is sent as JSON.
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

		"GET /api/v1/labels/{serial}":           s.getLabels,
		"PUT /api/v1/labels/{serial}":           s.putLabels,
		"DELETE /api/v1/labels/{serial}/{name}": s.deleteLabel,
		"PUT /api/v1/retire-date/{serial}":      s.putRetireDate,

		"GET /api/v1/kernel_params/coreos": s.getKernelParams,
		"PUT /api/v1/kernel_params/coreos": s.putKernelParams,

		"GET /api/v1/config/{name}": s.getConfig,
		"PUT /api/v1/config/{name}": s.putConfig,

		"PUT /api/v1/crypts/{serial}/{path...}": s.putCrypt,
		"GET /api/v1/crypts/{serial}/{path...}": s.getCrypt,
		"DELETE /api/v1/crypts/{serial}":        s.deleteCrypts,
		"GET /api/v1/cryptsetup":                s.getCryptsetup,

		"GET /api/v1/ignitions/{role}":         s.getIgnitions,
		"GET /api/v1/ignitions/{role}/{id}":    s.getIgnition,
		"PUT /api/v1/ignitions/{role}/{id}":    s.putIgnition,
		"DELETE /api/v1/ignitions/{role}/{id}": s.deleteIgnition,

		"GET /api/v1/boot/coreos/ipxe":             s.bootScript,
		"GET /api/v1/boot/coreos/ipxe/{serial}":    s.machineScript,
		"GET /api/v1/boot/ignitions/{serial}/{id}": s.bootIgnition,

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
	mux.HandleFunc("GET /standin/received", s.received.serve)
	mux.HandleFunc("GET /api/v1/images/coreos/{id}", s.serveImage)
	mux.HandleFunc("GET /api/v1/assets/{name}", s.serveAsset)
	mux.HandleFunc("GET /api/v1/boot/ipxe.efi", s.serveIPXE)
	for _, file := range imageFiles() {
		mux.HandleFunc("GET /api/v1/boot/coreos/"+file, s.serveBootFile(file))
	}
	return s.restrict(s.received.count(known(mux)))
}

// restrict returns a handler that refuses requests from hosts that are not in s.allow.
// Any host may read, send disk encryption keys, and use GraphQL.
func (s *server) restrict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		from, err := netip.ParseAddr(host)
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		crypt := r.Method == http.MethodPut && strings.HasPrefix(r.URL.Path, "/api/v1/crypts/")
		local := err == nil && slices.Contains(s.allow, from.Unmap())
		if strings.HasPrefix(r.URL.Path, "/api/v1/") && !reads && !crypt && !local {
			writeError(w, fail(http.StatusForbidden, "%s %s is not allowed from %s", r.Method, r.URL.Path, host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// known returns a handler that responds with an error in JSON to requests that mux does
// not know.
func known(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		refusal := &statusOnly{header: w.Header()}
		h.ServeHTTP(refusal, r)
		writeError(w, fail(refusal.status, "%s %s: %s", r.Method, r.URL.Path, http.StatusText(refusal.status)))
	})
}

// statusOnly records the status of a response and drops the body.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }

func answer(f route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), store.MaxWait)
		defer cancel()
		if r.Method == http.MethodPut && r.ContentLength != 0 {
			ctx = r.Context() // an upload takes as long as it takes
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

// maxBody is the maximum size of a request's body, in bytes, if there is no other limit
// for it.
const maxBody = 64 << 20

func body(r *http.Request) ([]byte, error) { return bodyUpTo(r, maxBody) }

// bodyUpTo reads the body of a request, and fails if it is larger than limit bytes.
func bodyUpTo(r *http.Request, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fail(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", limit)
	}
	return data, err
}

func (s *server) health(r *http.Request) (int, any, error) {
	if _, err := s.store.List(r.Context(), "config/"); err != nil {
		return http.StatusInternalServerError, map[string]string{"health": "unhealthy"}, nil
	}
	return ok(map[string]string{"health": "healthy"})
}
