package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
)

// received counts the bodies of PUT requests for tests, by the kind of what they upload:
// assets, images, ignitions, config and so on. The original does not have this.
type received struct {
	mu    sync.Mutex
	kinds map[string]uploads
}

// uploads are the requests of one kind, and the sum of the sizes of their bodies.
type uploads struct {
	Requests int   `json:"requests"`
	Bytes    int64 `json:"bytes"`
}

// count returns a handler that counts the requests and passes them to next.
func (c *received) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, found := strings.CutPrefix(r.URL.Path, "/api/v1/")
		if !found || r.Method != http.MethodPut {
			next.ServeHTTP(w, r)
			return
		}
		kind, _, _ := strings.Cut(rest, "/")
		body := &counted{ReadCloser: r.Body}
		r.Body = body
		next.ServeHTTP(w, r)
		c.add(kind, body.n)
	})
}

func (c *received) add(kind string, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds == nil {
		c.kinds = map[string]uploads{}
	}
	u := c.kinds[kind]
	c.kinds[kind] = uploads{u.Requests + 1, u.Bytes + bytes}
}

// serve sends the counts as JSON.
func (c *received) serve(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	kinds := maps.Clone(c.kinds)
	c.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(kinds)
}

// counted is a request body that counts the bytes that are read from it.
type counted struct {
	io.ReadCloser
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += int64(n)
	return n, err
}
