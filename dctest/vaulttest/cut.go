package vaulttest

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/vault/api"
)

// Cut is an HTTP transport to Vault that fails once, at one request.
type Cut struct {
	// At is the number of the request that fails, from 1. If it is 0, no request fails.
	At int
	// Heard means that Vault receives the request and only the response is lost.
	Heard bool
	// Status, if not 0, is the HTTP status of a response that replaces Vault's, like that
	// of a Vault which has lost its etcd.
	Status int

	requests atomic.Int64
}

// ErrCut is the error of the request that fails.
var ErrCut = errors.New("the connection broke")

// RoundTrip implements http.RoundTripper.
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

// Reached reports whether the request At has been made.
func (c *Cut) Reached() bool { return int(c.requests.Load()) >= c.At }

// Over returns a client of s that uses this transport.
func (c *Cut) Over(t testing.TB, s *Server, token string) *api.Client {
	t.Helper()
	return s.client(t, token, c)
}
