package vaulttest

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/vault/api"
)

// Cut is a line to Vault that breaks at one request, once.
type Cut struct {
	// At is the number of that request, from 1.
	At int
	// Heard: Vault has got it, and the answer is lost.
	Heard bool
	// Status, if not 0, is what answers instead of Vault, as a Vault does that
	// has lost its etcd.
	Status int

	requests atomic.Int64
}

// ErrCut is what a request ends with at which the line broke.
var ErrCut = errors.New("the line broke")

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

// Reached says whether the line broke.
func (c *Cut) Reached() bool { return int(c.requests.Load()) >= c.At }

// Over returns a client of s over the line.
func (c *Cut) Over(t testing.TB, s *Server, token string) *api.Client {
	t.Helper()
	return s.client(t, token, c)
}
