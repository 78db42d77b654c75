package dockerapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/dctest/dockertest"
	"github.com/cybozu-go/neco/internal/dockerapi"
)

// client returns a client of a daemon whose API is f.
func client(t *testing.T, f http.HandlerFunc) dockerapi.Client {
	t.Helper()
	t.Setenv("DOCKER_HOST", "")
	return dockerapi.New(dockertest.Socket(t, f))
}

func TestAnAnswerIsDecoded(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/containers/json":
			fmt.Fprint(w, `[{"Names":["/serf"],"Image":"quay.io/cybozu/serf:1","ImageID":"sha256:1","State":"running"}]`)
		case "/containers/registry/json":
			fmt.Fprint(w, `{"Name":"/registry","HostConfig":{"AutoRemove":false,"RestartPolicy":{"Name":"unless-stopped","MaximumRetryCount":0}}}`)
		case "/images/quay.io/cybozu/serf:1/json":
			fmt.Fprint(w, `{"Id":"sha256:1"}`)
		default:
			http.Error(w, `{"message":"page not found"}`, http.StatusNotFound)
		}
	})
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
	if policy, err := c.RestartPolicy(t.Context(), "registry"); policy != "unless-stopped" || err != nil {
		t.Errorf("%s, %v", policy, err)
	}
	if _, err := c.ImageID(t.Context(), "quay.io/cybozu/serf:2"); !errors.Is(err, dockerapi.ErrNoImage) {
		t.Errorf("an image that there is not: %v", err)
	}
}

func TestAContainerHasARestartPolicy(t *testing.T) {
	t.Setenv("DOCKER_HOST", dockertest.Serve(t, &dockertest.State{
		Running:  []dockerapi.Container{{Names: []string{"/registry"}}, {Names: []string{"/serf"}}},
		Policies: map[string]string{"registry": "always"},
	}))
	c := dockerapi.New("/nowhere/docker.sock")
	for name, want := range map[string]string{"registry": "always", "serf": ""} {
		if got, err := c.RestartPolicy(t.Context(), name); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
	}
	if _, err := c.RestartPolicy(t.Context(), "vault"); !errors.Is(err, dockerapi.ErrNoContainer) {
		t.Errorf("a container that does not run: %v", err)
	}
}

func TestAPathThatTheDaemonDoesNotKnowIsNoMissingImage(t *testing.T) {
	c := client(t, http.NotFound)
	_, err := c.Info(t.Context())
	const want = "ask Docker for /info: it answers 404 Not Found: 404 page not found"
	if err == nil || err.Error() != want || errors.Is(err, dockerapi.ErrNoImage) {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestADaemonWithoutASocketIsRefused(t *testing.T) {
	socket := dockertest.Socket(t, http.NotFoundHandler())
	for _, host := range []string{"tcp://ops:winter@10.0.0.1:2375", "ssh://boot-1", "unix://", "/run/docker.sock"} {
		t.Setenv("DOCKER_HOST", host)
		err := dockerapi.New(socket).Ping(t.Context())
		if err == nil || !strings.Contains(err.Error(), "DOCKER_HOST must be unix://PATH") || strings.Contains(err.Error(), "winter") {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestABadAnswerIsAnErrorThatNamesTheQuestion(t *testing.T) {
	for answer, want := range map[string]string{
		"500 {\"message\":\"no space\"}": "it answers 500 Internal Server Error: {\"message\":\"no space\"}",
		"200 <html>":                     "invalid character",
		"200 ":                           "unexpected end of JSON input",
	} {
		status, body, _ := strings.Cut(answer, " ")
		c := client(t, func(w http.ResponseWriter, _ *http.Request) {
			if status == "500" {
				w.WriteHeader(http.StatusInternalServerError)
			}
			fmt.Fprint(w, body)
		})
		_, err := c.Containers(t.Context())
		if err == nil || !strings.Contains(err.Error(), "ask Docker for /containers/json: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", answer, err, want)
		}
	}
}

func TestADaemonThatDoesNotAnswerDoesNotBlock(t *testing.T) {
	c := client(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
