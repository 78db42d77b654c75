// Package dockerapi asks the Docker daemon of a host what it has and what it runs. A call
// takes a few milliseconds; the docker command takes up to a second on a busy host, and an
// update asks some twenty times.
//
// It owns the requests to the daemon's socket. It changes nothing.
package dockerapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// Socket is the path of the daemon's socket.
const Socket = "/run/docker.sock"

// hostEnv is the environment variable by which the docker command finds a daemon elsewhere.
const hostEnv = "DOCKER_HOST"

// Client asks the daemon behind a socket. It is safe for concurrent use and holds no
// connection between calls.
type Client struct{ http *http.Client }

// New returns a Client for the daemon at socket, or at the socket that the environment
// variable DOCKER_HOST names as unix://PATH.
func New(socket string) Client {
	if path, ok := strings.CutPrefix(os.Getenv(hostEnv), "unix://"); ok {
		socket = path
	}
	return Client{&http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}}
}

// Container is a running container.
type Container struct {
	// Names are the names, each after a slash.
	Names []string `json:"Names"`
	// Image is the name of the image, or its ID if the name refers to another image now.
	Image   string `json:"Image"`
	ImageID string `json:"ImageID"`
}

// Containers returns the running containers.
func (c Client) Containers(ctx context.Context) ([]Container, error) {
	var all []Container
	err := c.get(ctx, "/containers/json", &all)
	return all, err
}

// Container returns the running container called name. The second result is false if there
// is none.
func (c Client) Container(ctx context.Context, name string) (Container, bool, error) {
	all, err := c.Containers(ctx)
	for _, r := range all {
		for _, n := range r.Names {
			if n == "/"+name {
				return r, true, err
			}
		}
	}
	return Container{}, false, err
}

// ErrNotFound reports that the daemon does not have an image.
var ErrNotFound = errors.New("no such image")

// ImageID returns the ID of the image called name. It returns ErrNotFound if there is none.
func (c Client) ImageID(ctx context.Context, name string) (string, error) {
	var image struct {
		ID string `json:"Id"`
	}
	err := c.get(ctx, (&url.URL{Path: "/images/" + name + "/json"}).EscapedPath(), &image)
	return image.ID, err
}

// Info is what the daemon reports about itself.
type Info struct {
	// HTTPProxy and HTTPSProxy are the proxies that the daemon uses, or "". Docker shows
	// xxxxx in place of a user name and a password.
	HTTPProxy  string `json:"HttpProxy"`
	HTTPSProxy string `json:"HttpsProxy"`
}

// Info returns what the daemon reports about itself.
func (c Client) Info(ctx context.Context) (Info, error) {
	var i Info
	err := c.get(ctx, "/info", &i)
	return i, err
}

// Ping returns nil if the daemon answers.
func (c Client) Ping(ctx context.Context) error { return c.get(ctx, "/_ping", nil) }

// maxAnswer is the maximum size in bytes of an answer.
const maxAnswer = 16 << 20

// get sends a GET request and decodes the answer into v, unless v is nil.
func (c Client) get(ctx context.Context, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker"+path, nil)
	if err != nil {
		return fmt.Errorf("ask Docker for %s: %w", path, err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask Docker for %s: %w", path, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case err != nil:
	case res.StatusCode == http.StatusNotFound:
		err = ErrNotFound
	case res.StatusCode != http.StatusOK:
		err = fmt.Errorf("it answers %s: %.200s", res.Status, strings.TrimSpace(string(data)))
	case v != nil:
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return fmt.Errorf("ask Docker for %s: %w", path, err)
	}
	return nil
}
