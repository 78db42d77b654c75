package sabakan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// requestTimeout is how long a request without an upload may take before it fails.
	requestTimeout = 30 * time.Second
	// uploadStall is how long sabakan may take no data of an upload before it fails.
	uploadStall = 2 * time.Minute
	// uploadAnswer is how long sabakan may take to answer after it has got all data. It
	// copies some hundred MiB, computes their digest and writes to etcd in this time.
	uploadAnswer = 10 * time.Minute
	// maxResponse is the maximum size in bytes of a response. The largest response is
	// the list of all machines.
	maxResponse = 64 << 20
	// maxErrorText is the maximum size in bytes of the text of an error response.
	maxErrorText = 4096
)

// Client sends requests to one sabakan server. It is safe for concurrent use.
type Client struct {
	base string
	http *http.Client
	// request, stall and answer are requestTimeout, uploadStall and uploadAnswer, except in
	// tests.
	request, stall, answer time.Duration
}

// New returns a client of the sabakan at the URL base, such as
// neco.SabakanLocalEndpoint. The client uses no proxy. sabakan accepts changes only
// from a client on its own host.
func New(base string) *Client {
	t := &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute}
	return &Client{
		base: strings.TrimSuffix(base, "/"), http: &http.Client{Transport: t},
		request: requestTimeout, stall: uploadStall, answer: uploadAnswer,
	}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Errors of sabakan that callers distinguish, for errors.Is.
var (
	ErrNotFound = errors.New("not found")
	// ErrConflict: the name already exists, or another request has just changed the
	// object.
	ErrConflict = errors.New("conflict")
	// ErrRefused: sabakan does not accept the data of the request (status 400).
	ErrRefused = errors.New("refused")
	// ErrBadTransition: a machine cannot change from its state to the requested one.
	ErrBadTransition = errors.New("invalid state transition")
)

// Error is an error response.
type Error struct {
	// Op is the method and the path of the request, or the GraphQL operation.
	Op string
	// Status is the HTTP status; 200 for an error of a GraphQL operation.
	Status int
	// Type is the type of a GraphQL error, such as INVALID_STATE_TRANSITION.
	Type string
	// Text is sabakan's description, on one line.
	Text string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("sabakan: %s: status %d", e.Op, e.Status)
	}
	return fmt.Sprintf("sabakan: %s: %s (status %d)", e.Op, e.Text, e.Status)
}

// Is implements the interface of package errors.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return e.Status == http.StatusNotFound || e.Type == "MACHINE_NOT_FOUND"
	case ErrConflict:
		return e.Status == http.StatusConflict
	case ErrRefused:
		return e.Status == http.StatusBadRequest
	case ErrBadTransition:
		return e.Type == "INVALID_STATE_TRANSITION"
	}
	return false
}

// MayPass implements the interface of package retry. It returns true for an internal
// error of sabakan, with which sabakan responds if its etcd does not answer.
func (e *Error) MayPass() bool {
	return e.Status >= http.StatusInternalServerError || e.Type == "INTERNAL_SERVER_ERROR"
}

// Health returns nil if sabakan responds and reports that it is healthy.
func (c *Client) Health(ctx context.Context) error {
	var v struct {
		Health string `json:"health"`
	}
	err := c.get(ctx, "/health", &v)
	if err == nil && v.Health != "healthy" {
		err = fmt.Errorf("sabakan is %q", v.Health)
	}
	return err
}

// get sends a GET request for path and decodes the response into v.
func (c *Client) get(ctx context.Context, path string, v any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.request, noAnswer(c.request))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return err
	}
	return c.do(req, v)
}

// send sends a request for path with the given method and with body as JSON. It decodes
// the response into v unless v is nil.
func (c *Client) send(ctx context.Context, method, path string, body, v any) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.request, noAnswer(c.request))
	defer cancel()
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return c.do(req, v)
}

// do sends req and decodes the response into v unless v is nil.
func (c *Client) do(req *http.Request, v any) error {
	op := req.Method + " " + req.URL.EscapedPath()
	res, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("sabakan: %s: %w", op, cause(req.Context(), err))
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return &Error{Op: op, Status: res.StatusCode, Text: errorText(res.Body)}
	}
	if v == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxErrorText)) // the connection is used again
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxResponse+1))
	switch {
	case err != nil:
		return fmt.Errorf("sabakan: %s: read the response: %w", op, cause(req.Context(), err))
	case len(data) > maxResponse:
		return fmt.Errorf("sabakan: %s: the response is larger than %d MiB", op, maxResponse>>20)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("sabakan: %s: the response is not what sabakan sends: %w", op, err)
	}
	return nil
}

// cause returns the cause of the end of ctx if ctx has ended, and otherwise err without
// the URL, which the caller names.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

// errorText returns the description in an error response in one line. sabakan sends a
// JSON object, but a proxy or another program may send any text.
func errorText(r io.Reader) string {
	data, _ := io.ReadAll(io.LimitReader(r, maxErrorText)) // the status remains
	var v struct {
		Error string `json:"error"`
	}
	text := string(data)
	if json.Unmarshal(data, &v) == nil && v.Error != "" {
		text = v.Error
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
}
