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

// socketScheme begins the value of hostEnv if the daemon is behind a socket.
const socketScheme = "unix://"

// ErrNoSocket reports that DOCKER_HOST names a daemon that is not behind a socket. Neco changes
// files of its own host and mounts them in containers, so a daemon of another host is never
// the right one. The text does not contain the value, which may contain a password.
var ErrNoSocket = fmt.Errorf("the environment variable %s must be %sPATH, the socket of this host's Docker; set it so, or unset it for %s", hostEnv, socketScheme, Socket)

// Client asks the daemon behind a socket. It is safe for concurrent use and holds no
// connection between calls.
type Client struct {
	http *http.Client
	// err, if not nil, is the result of all calls.
	err error
}

// New returns a Client for the daemon at socket, or at the socket that the environment
// variable DOCKER_HOST names as unix://PATH. If that variable has another value, such as
// tcp://…, all calls return ErrNoSocket: the docker command would use that daemon.
func New(socket string) Client {
	if host := os.Getenv(hostEnv); host != "" {
		path, ok := strings.CutPrefix(host, socketScheme)
		if !ok || path == "" {
			return Client{err: ErrNoSocket}
		}
		socket = path
	}
	return Client{http: &http.Client{Transport: &http.Transport{
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
	Image   string            `json:"Image"`
	ImageID string            `json:"ImageID"`
	Labels  map[string]string `json:"Labels"`
}

// Containers returns the running containers.
func (c Client) Containers(ctx context.Context) ([]Container, error) {
	var all []Container
	err := c.get(ctx, "/containers/json", nil, &all)
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

// ErrNoContainer reports that the daemon does not have a container.
var ErrNoContainer = errors.New("no such container")

// RestartPolicy returns the restart policy of the container called name, such as always; see
// docker-run(1). It is no, or empty, for a container without one. RestartPolicy returns
// ErrNoContainer if there is no such container.
func (c Client) RestartPolicy(ctx context.Context, name string) (string, error) {
	var container struct {
		HostConfig struct{ RestartPolicy struct{ Name string } }
	}
	err := c.get(ctx, (&url.URL{Path: "/containers/" + name + "/json"}).EscapedPath(), ErrNoContainer, &container)
	return container.HostConfig.RestartPolicy.Name, err
}

// ErrNoImage reports that the daemon does not have an image.
var ErrNoImage = errors.New("no such image")

// ImageID returns the ID of the image called name. It returns ErrNoImage if there is none.
func (c Client) ImageID(ctx context.Context, name string) (string, error) {
	var image struct {
		ID string `json:"Id"`
	}
	err := c.get(ctx, (&url.URL{Path: "/images/" + name + "/json"}).EscapedPath(), ErrNoImage, &image)
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
	err := c.get(ctx, "/info", nil, &i)
	return i, err
}

// Ping returns nil if the daemon answers.
func (c Client) Ping(ctx context.Context) error { return c.get(ctx, "/_ping", nil, nil) }

// maxAnswer is the maximum size in bytes of an answer.
const maxAnswer = 16 << 20

// get sends a GET request and decodes the answer into v, unless v is nil. missing is what
// the status 404 means for this path, or nil if it means nothing there.
func (c Client) get(ctx context.Context, path string, missing error, v any) error {
	if c.err != nil {
		return c.err
	}
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
	case res.StatusCode == http.StatusNotFound && missing != nil:
		err = missing
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
