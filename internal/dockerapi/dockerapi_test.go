package dockerapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serve serves the API by a function, and returns the path of its socket.
func serve(t *testing.T, f http.HandlerFunc) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "docker-") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: f}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-ended
	})
	return socket
}

func TestAnAnswerIsDecoded(t *testing.T) {
	c := New(serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/containers/json":
			fmt.Fprint(w, `[{"Names":["/serf"],"Image":"quay.io/cybozu/serf:1","ImageID":"sha256:1","State":"running"}]`)
		case "/images/quay.io/cybozu/serf:1/json":
			fmt.Fprint(w, `{"Id":"sha256:1"}`)
		default:
			http.Error(w, `{"message":"no such image"}`, http.StatusNotFound)
		}
	}))
	r, found, err := c.Container(t.Context(), "serf")
	if !found || r.Image != "quay.io/cybozu/serf:1" || r.ImageID != "sha256:1" || err != nil {
		t.Errorf("%+v, %t, %v", r, found, err)
	}
	if _, found, err := c.Container(t.Context(), "ser"); found || err != nil {
		t.Errorf("a container of another name: %t, %v", found, err)
	}
	if id, err := c.ImageID(t.Context(), r.Image); id != "sha256:1" || err != nil {
		t.Errorf("%s, %v", id, err)
	}
	if _, err := c.ImageID(t.Context(), "quay.io/cybozu/serf:2"); !errors.Is(err, ErrNotFound) {
		t.Errorf("an image that there is not: %v", err)
	}
}

func TestABadAnswerIsAnErrorThatNamesTheQuestion(t *testing.T) {
	for answer, want := range map[string]string{
		"500 {\"message\":\"no space\"}": "it answers 500 Internal Server Error: {\"message\":\"no space\"}",
		"200 <html>":                     "invalid character",
		"200 ":                           "unexpected end of JSON input",
	} {
		status, body, _ := strings.Cut(answer, " ")
		c := New(serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if status == "500" {
				w.WriteHeader(http.StatusInternalServerError)
			}
			fmt.Fprint(w, body)
		}))
		_, err := c.Containers(t.Context())
		if err == nil || !strings.Contains(err.Error(), "ask Docker for /containers/json: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", answer, err, want)
		}
	}
}

func TestADaemonThatDoesNotAnswerDoesNotBlock(t *testing.T) {
	c := New(serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
