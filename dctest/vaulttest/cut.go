package vaulttest

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/vault/api"
)

// Cut is an HTTP transport to Vault that makes one chosen request fail.
type Cut struct {
	// At is the number of the request that fails, counted from 1. If it is 0, no request
	// fails.
	At int
	// Heard means that Vault receives request number At and only the response is lost.
	Heard bool
	// Status, if not 0, is the HTTP status of the response to request number At, which
	// Vault then does not receive. A Vault that has lost its etcd sends such a response.
	Status int

	requests atomic.Int64
}

// ErrCut is the error of the request that [Cut.At] chooses, unless [Cut.Status] is set.
var ErrCut = errors.New("the connection broke")

// RoundTrip sends a request to Vault, or makes it fail if it is request number At.
func (c *Cut) RoundTrip(r *http.Request) (*http.Response, error) {
	if int(c.requests.Add(1)) != c.At {
		return http.DefaultTransport.RoundTrip(r)
	}
	switch {
	case c.Status != 0:
		return &http.Response{
			StatusCode: c.Status, Status: http.StatusText(c.Status), Proto: r.Proto, ProtoMajor: r.ProtoMajor, ProtoMinor: r.ProtoMinor,
			Header: http.Header{}, Body: http.NoBody, Request: r,
		}, nil
	case !c.Heard:
		return nil, ErrCut
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return nil, errors.Join(ErrCut, err)
}

// Reached reports whether the request number At was made.
func (c *Cut) Reached() bool { return int(c.requests.Load()) >= c.At }

// Over returns a client of the Vault server s that sends its requests through c, with
// token as its Vault token.
func (c *Cut) Over(t testing.TB, s *Server, token string) *api.Client {
	t.Helper()
	return s.client(t, token, c)
}
