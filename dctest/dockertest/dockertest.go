// Package dockertest gives tests the API of a Docker daemon with a given state. It is for
// tests only.
package dockertest

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/cybozu-go/neco/dctest/sandbox/docker"
	"github.com/cybozu-go/neco/internal/dockerapi"
)

// State is the state of a Docker daemon.
type State struct {
	// Images are the IDs of the images by name.
	Images map[string]string
	// Running are the running containers.
	Running []dockerapi.Container
	// Policies are the restart policies of containers by name.
	Policies map[string]string
	// Daemon is what the daemon reports about itself.
	Daemon dockerapi.Info
}

// ImageID returns the ID of an image.
func (s *State) ImageID(name string) string { return s.Images[name] }

// Containers returns the running containers.
func (s *State) Containers() ([]dockerapi.Container, error) { return s.Running, nil }

// RestartPolicy returns the restart policy of a container.
func (s *State) RestartPolicy(name string) string { return s.Policies[name] }

// Info returns what the daemon reports about itself.
func (s *State) Info() dockerapi.Info { return s.Daemon }

// Serve serves the API with the state s until the end of the test, and returns the value of
// the environment variable DOCKER_HOST with which programs find it.
func Serve(t testing.TB, s docker.State) (host string) {
	t.Helper()
	return "unix://" + Socket(t, docker.API(s))
}

// Socket serves the API by h until the end of the test, and returns the path of its socket.
// The socket is in a directory of its own, because the path of a socket must be short.
func Socket(t testing.TB, h http.Handler) (path string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "docker-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-ended
	})
	return socket
}
