package contents

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"golang.org/x/sync/errgroup"
)

// files is an http.RoundTripper that answers each request with a file of a thousand bytes,
// of which one is read at a time.
type files struct{}

const fileSize = 1000

func (files) RoundTrip(*http.Request) (*http.Response, error) {
	body := iotest.OneByteReader(strings.NewReader(strings.Repeat("x", fileSize)))
	return &http.Response{StatusCode: http.StatusOK, ContentLength: fileSize, Body: io.NopCloser(body)}, nil
}

func TestTheProgressOfParallelDownloadsNeverGoesBack(t *testing.T) {
	var mu sync.Mutex
	var last int64
	p := &progress{report: func(done, _ int64) {
		runtime.Gosched() // the other download may overtake this one here
		mu.Lock()
		defer mu.Unlock()
		if done < last {
			t.Errorf("%d bytes after %d", done, last)
		}
		last = done
	}}
	client := &http.Client{Transport: &countedDownloads{inner: files{}, progress: p}}
	var g errgroup.Group
	for range 4 {
		g.Go(func() error {
			res, err := client.Get("http://files.example/")
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, res.Body)
			return err
		})
	}
	if err := g.Wait(); err != nil || last != 4*fileSize || p.total != 4*fileSize {
		t.Errorf("%d of %d bytes, %v", last, p.total, err)
	}
}
