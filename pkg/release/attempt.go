package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/duration"
)

// download is the download of one file. Each attempt continues the partial file of the
// previous attempts.
type download struct {
	client  *http.Client
	address string
	limits  Limits
	partial *partial

	// validator is the strong entity tag of the file on the server, of which partial
	// holds the beginning. If it is empty, the next attempt starts from the beginning.
	validator string
}

// attempt requests the missing part of the file once, and appends it to the partial file.
// It fails with ErrStalled if nothing is received for too long.
func (d *download) attempt(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(d.limits.StallTimeout, func() {
		cancel(fmt.Errorf("%w: nothing received for %s", ErrStalled, duration.Text(d.limits.StallTimeout)))
	})
	defer watch.Stop()
	err := d.exchange(ctx, func() { watch.Reset(d.limits.StallTimeout) })
	if err != nil && ctx.Err() != nil && !errors.Is(err, ErrDiskFull) {
		return context.Cause(ctx) // the reason why the connection was cut
	}
	return err
}

func (d *download) exchange(ctx context.Context, alive func()) error {
	req, err := d.request(ctx)
	if err != nil {
		return err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return transportError(err)
	}
	defer resp.Body.Close()
	alive()
	if err := d.accept(req, resp); err != nil {
		return err
	}
	return d.receive(resp, alive)
}

// request returns a request for the part of the file that is not in the partial file
// yet, or for the whole file.
func (d *download) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.address, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: malformed URL", errRefused)
	}
	req.Header.Set("User-Agent", neco.NecoUserAgent)
	// A compressed response would not have the length and the ranges of the file.
	req.Header.Set("Accept-Encoding", "identity")
	if d.partial.size > 0 && d.validator != "" {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.partial.size))
		req.Header.Set("If-Range", d.validator)
	}
	return req, nil
}

// accept checks the header of a response before its body is read. It empties the partial
// file if the response contains the whole file.
func (d *download) accept(req *http.Request, resp *http.Response) error {
	if req.URL.Scheme == "https" && resp.Request.URL.Scheme != "https" {
		return fmt.Errorf("%w: redirected from https to %s", errRefused, resp.Request.URL.Scheme)
	}
	switch {
	case resp.StatusCode == http.StatusPartialContent && d.continues(resp):
	case resp.StatusCode == http.StatusOK:
		if err := d.restart(resp.Header); err != nil {
			return err
		}
	case resp.StatusCode == http.StatusPartialContent, resp.StatusCode == http.StatusRequestedRangeNotSatisfiable:
		d.validator = "" // request the whole file next time
		return errWrongRange
	default:
		return refusal(resp, time.Now())
	}
	return d.fits(resp.ContentLength)
}

// errWrongRange reports that a server sent another part of the file than requested. The
// next attempt requests the whole file.
const errWrongRange Kind = "another range than asked for"

// continues reports whether the response contains the part of the file that follows the
// partial file.
func (d *download) continues(resp *http.Response) bool {
	begin := fmt.Sprintf("bytes %d-", d.partial.size)
	return d.validator != "" && strings.HasPrefix(resp.Header.Get("Content-Range"), begin)
}

// restart empties the partial file, and stores the entity tag in the header h of the new
// response.
func (d *download) restart(h http.Header) error {
	d.validator = ""
	if etag := h.Get("Etag"); strings.HasPrefix(etag, `"`) {
		d.validator = etag
	}
	return d.partial.reset()
}

// fits returns an error if length more bytes would exceed the size limit or the free
// space. It is called before the body is written; -1 means that the length is unknown.
func (d *download) fits(length int64) error {
	if length > d.limits.MaxBytes-d.partial.size {
		return fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrTooLarge, d.partial.size+length, d.limits.MaxBytes)
	}
	return d.partial.room(length)
}

// receive appends the body of the response to the partial file, up to the size limit.
func (d *download) receive(resp *http.Response, alive func()) error {
	left := d.limits.MaxBytes - d.partial.size
	body := &liveReader{r: io.LimitReader(resp.Body, left+1), alive: alive}
	n, err := io.Copy(d.partial, body)
	switch {
	case n > left:
		return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, d.limits.MaxBytes)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: received %d bytes", ErrTruncated, d.partial.size)
	case resp.ContentLength >= 0 && err == nil && n != resp.ContentLength:
		return fmt.Errorf("%w: received %d bytes of %d", ErrTruncated, n, resp.ContentLength)
	}
	return err
}

// liveReader is a reader that calls alive after each read that has returned data.
type liveReader struct {
	r     io.Reader
	alive func()
}

func (l *liveReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if n > 0 {
		l.alive()
	}
	return n, err
}
