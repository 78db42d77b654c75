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
	// maxAnswer is the maximum size in bytes of one response of the API; a larger
	// response is an error. A page of 100 releases with their notes is far smaller.
	maxAnswer = 8 << 20
	// maxCached is how many responses are cached for conditional requests. When the
	// cache is full, the least recently used response is dropped.
	maxCached = 64
)

// Transport makes the requests of a GitHub client conditional: GitHub does not send an
// unchanged response again and, if the client has a token, does not count the request
// towards the rate limit. It also limits the size of each response. It must not be used
// for downloads, because it holds responses in memory. It is safe for concurrent use.
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

// NewTransport returns a Transport that sends requests through base, or through
// http.DefaultTransport if base is nil.
func NewTransport(base http.RoundTripper) *Transport {
	if base == nil {
		base = http.DefaultTransport
	}
	return &Transport{base: base, entries: map[string]*list.Element{}, recent: list.New()}
}

// RoundTrip sends one request and reads the whole response. If the server reports the
// response as unchanged, it returns the cached one with the new header fields.
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

// changed reads the body of a new response, and caches the response if it has an entity
// tag.
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

// unchanged returns the cached response old in place of a response with status 304.
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

// headerFromCache marks a response as coming from a cache, so that the GitHub client
// ignores the rate limit in it. Otherwise the client would refuse requests until a time
// by the local clock, which may differ from the server's. Finder applies the limit by the
// server's clock.
const headerFromCache = "X-From-Cache"

func withBody(resp *http.Response, body []byte) *http.Response {
	resp.Header.Set(headerFromCache, "1")
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return resp
}
