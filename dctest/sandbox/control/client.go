package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Client sends requests to a running sandbox, which it finds by name.
type Client struct {
	place Place
	http  *http.Client
}

const (
	// requestTimeout is how long a client waits for a response before the request fails.
	// No request waits for an update.
	requestTimeout = 30 * time.Second
	// downTimeout is how long Down waits for the sandbox to end before it fails.
	downTimeout = time.Minute
	// downPoll is the time between two checks whether the sandbox has ended.
	downPoll = 50 * time.Millisecond
)

// ErrNotRunning reports that no sandbox with the given name is running.
var ErrNotRunning = errors.New("it is not running")

// Connect returns a client of the sandbox with the given name. It returns ErrNotRunning
// if the sandbox does not accept connections.
func Connect(ctx context.Context, name string) (*Client, error) {
	place, err := PlaceOf(name)
	if err != nil {
		return nil, err
	}
	none := fmt.Errorf("sandbox %s: %w", name, ErrNotRunning)
	state, err := place.State()
	if err != nil {
		return nil, none
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", state.Socket)
	}
	conn, err := dial(ctx, "", "")
	if err != nil {
		return nil, none
	}
	conn.Close()
	return &Client{place, &http.Client{Transport: &http.Transport{DialContext: dial}, Timeout: requestTimeout}}, nil
}

// Do sends a request and decodes the response into result, if result is not nil.
func (c *Client) Do(ctx context.Context, verb string, o Order, result any) error {
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://sandbox/"+verb, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("send a request to sandbox %s: %w", c.place.name, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("send a request to sandbox %s: %w", c.place.name, err)
	}
	if res.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(data)))
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(data, result)
}

// Status returns the status of the sandbox.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	var st Status
	return &st, c.Do(ctx, "status", Order{}, &st)
}

// Locate returns the paths of the files of the boot server lrn. It works even if etcd is
// unavailable.
func (c *Client) Locate(ctx context.Context, lrn int) (Location, error) {
	var l Location
	return l, c.Do(ctx, "locate", Order{Server: lrn}, &l)
}

// Down stops the sandbox with the given name, and waits until it has ended. Then it
// removes the remaining files of the sandbox, also if the sandbox was killed before.
func Down(ctx context.Context, name string) error {
	place, err := PlaceOf(name)
	if err != nil {
		return err
	}
	if c, err := Connect(ctx, name); err == nil {
		if err := c.Do(ctx, "down", Order{}, nil); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, downTimeout)
	defer cancel()
	tick := time.NewTicker(downPoll)
	defer tick.Stop()
	for {
		release, err := place.Take()
		if err == nil {
			defer release()
			return place.remove()
		}
		if !errors.Is(err, ErrTaken) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("end sandbox %s: %w", name, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
