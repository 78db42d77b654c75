package release

import (
	"bytes"
	"container/list"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

const (
	// maxAnswer bounds one answer of the release server's API: a page of 100
	// releases with their notes stays far below.
	maxAnswer = 8 << 20
	// maxCached bounds the answers kept for conditional requests.
	maxCached = 64
)

// Transport makes the requests of a GitHub client conditional, so that an
// unchanged answer is neither sent nor (with a token) counted again, and
// bounds the size of every answer. It is for the API only: answers are held
// in memory, which downloads must never be.
//
// It is safe for concurrent use.
type Transport struct {
	base http.RoundTripper

	mu      sync.Mutex
	entries map[string]*list.Element
	recent  *list.List // of *answer, most recently used first
}

type answer struct {
	key    string
	etag   string
	header http.Header
	body   []byte
}

var _ http.RoundTripper = (*Transport)(nil)

// NewTransport wraps base, which is http.DefaultTransport if nil.
func NewTransport(base http.RoundTripper) *Transport {
	if base == nil {
		base = http.DefaultTransport
	}
	return &Transport{base: base, entries: map[string]*list.Element{}, recent: list.New()}
}

// RoundTrip sends one request and reads its whole answer. An answer that has
// not changed is returned as the full one it stands for, with its own header
// fields over the old ones.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet {
		return t.base.RoundTrip(req)
	}
	key := req.URL.String() + "\n" + req.Header.Get("Accept") + "\n" + req.Header.Get("Authorization")
	old := t.lookup(key)
	if old != nil {
		req = req.Clone(req.Context())
		req.Header.Set("If-None-Match", old.etag)
	}
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusNotModified && old != nil {
		return unchanged(resp, old), nil
	}
	return t.changed(resp, key)
}

// changed bounds a fresh answer and keeps it if it can be asked for again.
func (t *Transport) changed(resp *http.Response, key string) (*http.Response, error) {
	body, err := readAnswer(resp.Body)
	if err != nil {
		return nil, err
	}
	if etag := resp.Header.Get("Etag"); etag != "" && resp.StatusCode == http.StatusOK {
		t.keep(&answer{key: key, etag: etag, header: resp.Header.Clone(), body: body})
	}
	return withBody(resp, body), nil
}

func (t *Transport) lookup(key string) *answer {
	t.mu.Lock()
	defer t.mu.Unlock()
	element, ok := t.entries[key]
	if !ok {
		return nil
	}
	t.recent.MoveToFront(element)
	return element.Value.(*answer)
}

func (t *Transport) keep(a *answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if element, ok := t.entries[a.key]; ok {
		t.recent.Remove(element)
	}
	t.entries[a.key] = t.recent.PushFront(a)
	for t.recent.Len() > maxCached {
		oldest := t.recent.Remove(t.recent.Back()).(*answer)
		delete(t.entries, oldest.key)
	}
}

// unchanged turns a 304 into the answer that it confirms.
func unchanged(resp *http.Response, old *answer) *http.Response {
	resp.Body.Close()
	header := old.header.Clone()
	for name, values := range resp.Header {
		header[name] = values
	}
	header.Del("Content-Length")
	resp.Header = header
	resp.StatusCode = http.StatusOK
	resp.Status = statusText(resp)
	return withBody(resp, old.body)
}

func readAnswer(body io.ReadCloser) ([]byte, error) {
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = ErrTruncated
	}
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(data) > maxAnswer {
		return nil, fmt.Errorf("read answer: %w: more than %d bytes", ErrTooLarge, maxAnswer)
	}
	return data, nil
}

// headerFromCache marks an answer as one of a cache. The GitHub client takes no
// rate limit from such an answer. Else it refuses requests by itself until the
// announced time has come by the local clock, which may differ from the
// server's by any amount; a Finder does that by the right clock.
const headerFromCache = "X-From-Cache"

func withBody(resp *http.Response, body []byte) *http.Response {
	resp.Header.Set(headerFromCache, "1")
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return resp
}
