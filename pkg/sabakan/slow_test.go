package sabakan_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// The requests of a test take longer than the time limit short, and less than the time limit long.
const (
	short = 50 * time.Millisecond
	long  = time.Hour
)

// hanging starts a server that handles each request with before and then hangs until the
// end of the test. It returns a client of this server.
func hanging(t *testing.T, before func(r *http.Request)) *sabakan.Client {
	t.Helper()
	over := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		before(r)
		<-over
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(over) }) // first: Close waits for the requests
	return open(t, s.URL)
}

// zeros is a reader of bytes that are zero.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// large returns a content that is larger than the buffers of a connection.
func large() sabakan.Content {
	const size = 1 << 30
	return sabakan.Content{Size: size, Open: func() (io.ReadCloser, error) { return io.NopCloser(io.LimitReader(zeros{}, size)), nil }}
}

func TestAnUploadThatMakesNoProgressEndsAndMayBeRepeated(t *testing.T) {
	drain := func(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) } // fails if the client has gone
	for name, tt := range map[string]struct {
		before        func(*http.Request)
		stall, answer time.Duration
		content       sabakan.Content
		want          string
	}{
		"nothing is taken":            {func(*http.Request) {}, short, long, large(), "sabakan takes no data for 50ms"},
		"a part is taken":             {func(r *http.Request) { _, _ = io.CopyN(io.Discard, r.Body, 32<<20) }, short, long, large(), "sabakan takes no data for 50ms"},
		"all is taken, and no answer": {drain, long, short, content("hello"), "sabakan has all data and does not answer within 50ms"},
		"there is nothing to take":    {drain, long, short, content(""), "sabakan has all data and does not answer within 50ms"},
	} {
		t.Run(name, func(t *testing.T) {
			c := hanging(t, tt.before)
			c.SetLimits(long, tt.stall, tt.answer)
			for op, upload := range map[string]func() error{
				"PUT /api/v1/assets/a":          func() error { return c.PutAsset(t.Context(), "a", tt.content) },
				"PUT /api/v1/images/coreos/1.0": func() error { return c.PutImage(t.Context(), "1.0", tt.content) },
			} {
				err := upload()
				if err == nil || err.Error() != "sabakan: "+op+": "+tt.want || !retry.MayPass(err) {
					t.Errorf("error %v, may pass: %t; want %s", err, retry.MayPass(err), tt.want)
				}
			}
		})
	}
}

func TestAnUploadEndsWithItsContext(t *testing.T) {
	stopped := errors.New("the run is stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	c := hanging(t, func(*http.Request) { cancel(stopped) })
	if err := c.PutAsset(ctx, "a", large()); !errors.Is(err, stopped) {
		t.Errorf("error %v, want %v", err, stopped)
	}
}

func TestARequestToASlowSabakanEndsAndMayBeRepeated(t *testing.T) {
	c := hanging(t, func(*http.Request) {})
	c.SetLimits(short, long, long)
	for name, request := range map[string]func() error{
		"a query":         func() error { _, err := c.Images(t.Context()); return err },
		"a configuration": func() error { return c.PutDHCP(t.Context(), json.RawMessage("{}")) },
		"GraphQL":         func() error { return c.SetState(t.Context(), "a", sabakan.Healthy) },
	} {
		if err := request(); err == nil || !strings.HasSuffix(err.Error(), ": sabakan does not answer within 50ms") || !retry.MayPass(err) {
			t.Errorf("%s: error %v, may pass: %t", name, err, retry.MayPass(err))
		}
	}
}
