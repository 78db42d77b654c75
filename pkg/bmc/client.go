package bmc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	// Timeout is how long a BMC has time for one answer. The answers of some take many seconds.
	Timeout = 30 * time.Second
	// maxResponse is the maximum size of an answer in bytes.
	maxResponse = 4 << 20
	port        = 443
	root        = "/redfish/v1/"
)

// Errors of a BMC that callers distinguish, for errors.Is.
var (
	// ErrCertificate: the certificate of the BMC differs from the pinned certificate.
	// The password was not sent.
	ErrCertificate = errors.New("the BMC has another certificate than before")
	// ErrLogin: the BMC does not accept the user or the password.
	ErrLogin = errors.New("the BMC does not accept the user or the password")
	// ErrState: the power of the machine is in that state already.
	ErrState = errors.New("the machine is in that state already")
	// ErrMachine: the BMC is that of another machine. Nothing was changed.
	ErrMachine = errors.New("the BMC belongs to another machine")
	// ErrUnsupported: the BMC does not have this function.
	ErrUnsupported = errors.New("the BMC does not have this function")
)

// Pins keep the SHA-256 digests of the certificates of BMCs, in hexadecimal digits.
type Pins interface {
	// Pinned returns the digest that is accepted for the machine with this serial number, of which
	// the BMC has shown seen; "": none is kept yet.
	Pinned(ctx context.Context, serial, seen string) (string, error)
	// Pin stores seen if no digest is stored, and returns the stored digest.
	Pin(ctx context.Context, serial, seen string) (string, error)
}

// Target is the BMC of a machine.
type Target struct {
	// Serial is the serial number of the machine.
	Serial string
	// Address is the address of the BMC. Its port is 443 unless Port is set.
	Address netip.Addr
	Port    uint16
}

func (t Target) host() string {
	n := t.Port
	if n == 0 {
		n = port
	}
	return netip.AddrPortFrom(t.Address, n).String()
}

// Login is a user of BMCs.
type Login struct{ User, Password string }

// Client controls the machine of one BMC.
type Client struct {
	target Target
	login  Login
	http   *http.Client
	// system is the path of the only computer system.
	system string
}

// Open connects to the BMC t, compares its certificate with the pinned certificate, and finds
// the machine. It uses no proxy, and blocks for at most some answers, each of at most [Timeout].
// The caller must close the client.
func Open(ctx context.Context, t Target, l Login, pins Pins) (*Client, error) {
	c := &Client{target: t, login: l}
	if err := c.open(ctx, pins); err != nil {
		c.Close()
		return nil, c.named(err)
	}
	return c, nil
}

// Close closes idle connections.
func (c *Client) Close() {
	if c.http != nil {
		c.http.CloseIdleConnections()
	}
}

// named returns err with the machine and its BMC.
func (c *Client) named(err error) error {
	return fmt.Errorf("machine %s: BMC %s: %w", c.target.Serial, c.target.Address, err)
}

func (c *Client) open(ctx context.Context, pins Pins) error {
	seen, err := c.certificate(ctx)
	if err != nil {
		return err
	}
	want, err := pins.Pinned(ctx, c.target.Serial, seen)
	if err != nil {
		return err
	}
	if want != "" && want != seen {
		return otherCertificate(seen, want)
	}
	c.http = &http.Client{
		Transport: &http.Transport{TLSClientConfig: pinned(seen), MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute},
		// The password must not go to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	// Only the certificate of a server that has answered as a BMC is kept.
	systems, err := c.service(ctx)
	if err != nil {
		return err
	}
	if want, err = pins.Pin(ctx, c.target.Serial, seen); err != nil {
		return err
	}
	if want != seen {
		return otherCertificate(seen, want)
	}
	return c.find(ctx, systems)
}

func otherCertificate(seen, want string) error {
	return fmt.Errorf("%w: SHA-256 %s instead of %s; the password was not sent", ErrCertificate, seen, want)
}

// certificate returns the digest of the certificate that the BMC shows.
func (c *Client) certificate(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, Timeout, fmt.Errorf("no answer within %s", Timeout))
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} // the digest is compared by the caller
	conn, err := dialer.DialContext(ctx, "tcp", c.target.host())
	if err != nil {
		return "", cause(ctx, err)
	}
	defer conn.Close()
	tlsConn, ok := conn.(*tls.Conn)
	if !ok {
		return "", fmt.Errorf("the connection is a %T", conn)
	}
	return digest(tlsConn.ConnectionState())
}

// pinned returns a configuration that accepts only the certificate with this digest. BMCs have
// certificates of no CA.
func pinned(want string) *tls.Config {
	return &tls.Config{
		InsecureSkipVerify: true, // VerifyConnection does it
		VerifyConnection: func(s tls.ConnectionState) error {
			if seen, err := digest(s); err != nil || seen != want {
				return errors.Join(ErrCertificate, err)
			}
			return nil
		},
	}
}

func digest(s tls.ConnectionState) (string, error) {
	if len(s.PeerCertificates) == 0 {
		return "", errors.New("the BMC has no certificate")
	}
	sum := sha256.Sum256(s.PeerCertificates[0].Raw)
	return hex.EncodeToString(sum[:]), nil
}

// link is a reference to a resource.
type link struct {
	ID string `json:"@odata.id"`
}

// service returns the path of the computer systems. It does not send the password.
func (c *Client) service(ctx context.Context) (string, error) {
	var service struct {
		Systems link `json:"Systems"`
	}
	if err := c.get(ctx, root, &service); err != nil {
		return "", err
	}
	if service.Systems.ID == "" {
		return "", fmt.Errorf("GET %s: the answer is not that of a Redfish service", root)
	}
	return service.Systems.ID, nil
}

// find finds the only computer system of the BMC.
func (c *Client) find(ctx context.Context, resource string) error {
	var systems struct {
		Members []link `json:"Members"`
	}
	if err := c.get(ctx, resource, &systems); err != nil {
		return err
	}
	if len(systems.Members) != 1 {
		return fmt.Errorf("the BMC has %d computer systems instead of one", len(systems.Members))
	}
	c.system = systems.Members[0].ID
	return nil
}

func (c *Client) get(ctx context.Context, resource string, v any) error {
	_, err := c.do(ctx, http.MethodGet, resource, nil, v)
	return err
}

// do sends a request with the JSON of body to the BMC, and decodes the answer into v, unless that
// is nil. It returns the header of the answer.
func (c *Client) do(ctx context.Context, method, resource string, body, v any) (http.Header, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, Timeout, fmt.Errorf("no answer within %s", Timeout))
	defer cancel()
	what := method + " " + resource
	var reader io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(data)
	}
	u, err := c.url(resource)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, u, reader)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if resource != root {
		req.SetBasicAuth(c.login.User, c.login.Password)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, cause(ctx, withoutURL(err)))
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxResponse+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", what, cause(ctx, err))
	case len(data) > maxResponse:
		return nil, fmt.Errorf("%s: the answer has more than %d MiB", what, maxResponse>>20)
	case res.StatusCode < 200 || res.StatusCode > 299:
		return nil, fmt.Errorf("%s: %w", what, newFailure(res.StatusCode, data))
	case v == nil:
		return res.Header, nil
	}
	if err := json.Unmarshal(data, v); err != nil {
		return nil, fmt.Errorf("%s: the answer is not that of a Redfish service: %w", what, err)
	}
	return res.Header, nil
}

// url returns the URL of a resource. The BMC names resources by paths; with another host, the
// password would go there.
func (c *Client) url(resource string) (string, error) {
	u, err := url.Parse(resource)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/") {
		return "", fmt.Errorf("the BMC names a resource %q, which is not a path", resource)
	}
	return (&url.URL{Scheme: "https", Host: c.target.host(), Path: u.Path, RawQuery: u.RawQuery}).String(), nil
}

// withoutURL returns err without the URL, which the caller names in another way.
func withoutURL(err error) error {
	if e := (*url.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// cause returns the cause of the end of ctx, or err if ctx has not ended.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); c != nil {
		return c
	}
	if e := (net.Error)(nil); errors.As(err, &e) && e.Timeout() {
		return fmt.Errorf("no answer: %w", err)
	}
	return err
}
