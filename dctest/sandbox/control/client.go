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

// Client asks the sandbox of a name.
type Client struct {
	place Place
	http  *http.Client
}

const (
	// requestTimeout bounds one order: none waits for an update.
	requestTimeout = 30 * time.Second
	// downTimeout bounds the end of a sandbox.
	downTimeout = time.Minute
	// downPoll is the pause between two looks whether it has ended.
	downPoll = 50 * time.Millisecond
)

// ErrNotRunning is returned where no sandbox of a name answers.
var ErrNotRunning = errors.New("it is not running")

// Connect returns a client of the sandbox of a name.  ErrNotRunning: there is
// none.
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

// Do sends an order and reads what is answered into result, if that is not
// nil.
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
		return fmt.Errorf("ask sandbox %s: %w", c.place.name, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("ask sandbox %s: %w", c.place.name, err)
	}
	if res.StatusCode != http.StatusOK {
		return errors.New(strings.TrimSpace(string(data)))
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(data, result)
}

// Status asks how the sandbox is.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	var st Status
	return &st, c.Do(ctx, "status", Order{}, &st)
}

// Locate asks where the files of a boot server are. etcd is not asked.
func (c *Client) Locate(ctx context.Context, lrn int) (Location, error) {
	var l Location
	return l, c.Do(ctx, "locate", Order{Server: lrn}, &l)
}

// Down ends the sandbox, and waits until nothing of it is left.  Of one that
// was killed, it removes what that has left.
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
