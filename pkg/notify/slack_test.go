package notify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	secret  = "T000/B000/s3cret"
	webhook = "https://hooks.slack.com/services/" + secret
)

// answers is an HTTP transport that returns its responses one after the other, then the
// last one again and again, and counts them.
type answers struct {
	list []func(*http.Request) (*http.Response, error)
	n    int
}

func (a *answers) RoundTrip(req *http.Request) (*http.Response, error) {
	answer := a.list[min(a.n, len(a.list)-1)]
	a.n++
	return answer(req)
}

func status(code int, header ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		return w.Result(), nil
	}
}

func down(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }

func silent(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func TestSend(t *testing.T) {
	type list = []func(*http.Request) (*http.Response, error)
	cases := map[string]struct {
		list list
		ok   bool
		n    int           // attempts, 0 for any number
		most time.Duration // the longest allowed duration
	}{
		"a server that is there":          {list{status(200)}, true, 1, 0},
		"a server that comes back":        {list{down, status(500), status(200)}, true, 3, 10 * time.Second},
		"a busy server":                   {list{status(429, "Retry-After", "30"), status(200)}, true, 2, 30 * time.Second},
		"a server that is busy for hours": {list{status(429, "Retry-After", "7200")}, false, 1, 0},
		"a slow server":                   {list{silent, status(200)}, true, 2, attemptTimeout + 2*minBackoff},
		"a server that stays down":        {list{down}, false, 0, deliveryTimeout},
		"a server that stays silent":      {list{silent}, false, 0, deliveryTimeout},
		"a webhook that is gone":          {list{status(404)}, false, 1, 0},
		"a message that is refused":       {list{status(400)}, false, 1, 0},
		"a redirect":                      {list{status(302, "Location", "https://example.com/")}, false, 1, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := &answers{list: c.list}
				s := newSlack(t, transport)
				start := time.Now()
				err := s.Send(t.Context(), Begin(testRun(), "new release"))
				if (err == nil) != c.ok {
					t.Fatalf("got %v", err)
				}
				if took := time.Since(start); took > c.most {
					t.Errorf("it took %s", took)
				}
				if c.n != 0 && transport.n != c.n {
					t.Errorf("%d attempts, want %d", transport.n, c.n)
				}
				hidesURL(t, err)
			})
		})
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := newSlack(t, &answers{list: []func(*http.Request) (*http.Response, error){silent}}).Send(ctx, Message{})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("got %v after %s", err, time.Since(start))
		}
		hidesURL(t, err)
	})
}

func TestSendPostsJSON(t *testing.T) {
	var got payload
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.URL.Path != "/"+secret {
			t.Errorf("got %s %s of %s", r.Method, r.URL, r.Header.Get("Content-Type"))
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		io.WriteString(w, "ok")
	}))
	defer srv.Close()
	s, err := NewSlack(srv.URL+"/"+secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := Abort(testRun(), "serf is down")
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(payloadOf(m), got); diff != "" {
		t.Error(diff)
	}
	srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	hidesURL(t, s.Send(ctx, m)) // a real error of net/http
}

func TestABadWebhookIsRefusedWithoutShowingIt(t *testing.T) {
	for _, bad := range []string{"", secret, "https://", "ftp://hooks.slack.com/" + secret, "https://hooks.slack.com/%zz" + secret, "http://\x00/" + secret} {
		_, err := NewSlack(bad, nil)
		if err == nil {
			t.Errorf("%q is accepted", bad)
		}
		hidesURL(t, err)
	}
}

func TestOffSendsNothing(t *testing.T) {
	if err := (Off{}).Send(t.Context(), Message{}); err != nil {
		t.Error(err)
	}
}

func newSlack(t *testing.T, transport http.RoundTripper) *Slack {
	t.Helper()
	s, err := NewSlack(webhook, transport)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// hidesURL makes the test fail if an error contains the webhook's URL.
func hidesURL(t *testing.T, err error) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "services/")) {
		t.Errorf("the error tells the URL: %v", err)
	}
}
