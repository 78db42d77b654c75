package contents

import (
	"io"
	"net/http"
	"sync"

	"github.com/cybozu-go/neco/internal/bytecount"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// State is what an upload does with one content, or the result.
type State string

// The states of a content. Uploaded, Present and NotPrepared are results.
const (
	Downloading State = "downloading"
	Uploading   State = "uploading"
	// Repeating means that the upload has failed and will be repeated. Reason is the error.
	Repeating State = "repeating"
	// Uploaded means that sabakan or CKE has got the content.
	Uploaded State = "uploaded"
	// Present means that sabakan or CKE had the content before.
	Present State = "present"
	// NotPrepared means that the content is missing until an operator has run the command
	// in the event.
	NotPrepared State = "not-prepared"
)

// Event is the progress of one content, or its result.
type Event struct {
	// Name is the name of the content in sabakan or CKE.
	Name  string
	State State
	// Done is how many bytes of the download or of the upload are done, and Total how many
	// there are. Total is 0 if the number is unknown. With the state Uploaded, Total is the
	// size of the content.
	Done, Total int64
	// Reason is why the content is missing, and Command the command with which an operator
	// prepares it. They are empty except with the state NotPrepared; Reason is also set with
	// the state Repeating.
	Reason, Command string
}

// observe calls u.Observe. It does nothing if Observe is nil.
func (u Uploader) observe(e Event) {
	if u.Observe != nil {
		u.Observe(e)
	}
}

// observed returns content, and reports its bytes as they are read for an upload.
func (u Uploader) observed(name string, content sabakan.Content) sabakan.Content {
	if u.Observe == nil {
		return content
	}
	open := content.Open
	content.Open = func() (io.ReadCloser, error) {
		u.observe(Event{Name: name, State: Uploading, Total: content.Size})
		r, err := open()
		if err != nil {
			return nil, err
		}
		var done int64
		return bytecount.Reader{ReadCloser: r, Count: func(n int64) {
			done += n
			u.observe(Event{Name: name, State: Uploading, Done: done, Total: content.Size})
		}}, nil
	}
	return content
}

// progress is the progress of one content. It is safe for concurrent use: it calls report
// for one change at a time, in the order of the changes.
type progress struct {
	report func(done, total int64)

	mu          sync.Mutex
	done, total int64
}

// add adds to the bytes that are done and to all bytes, and reports both.
func (p *progress) add(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done, p.total = p.done+done, p.total+total
	p.report(p.done, p.total)
}

// countedDownloads is an http.RoundTripper that adds the bytes of all responses to the
// progress of one content.
type countedDownloads struct {
	inner    http.RoundTripper
	progress *progress
}

// RoundTrip implements http.RoundTripper. A response to a request for the rest of a file
// does not add to the total.
func (c *countedDownloads) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.inner.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode == http.StatusOK && res.ContentLength > 0 {
		c.progress.add(0, res.ContentLength)
	}
	res.Body = bytecount.Reader{ReadCloser: res.Body, Count: func(n int64) { c.progress.add(n, 0) }}
	return res, nil
}

// CloseIdleConnections closes the idle connections of the transport below.
func (c *countedDownloads) CloseIdleConnections() {
	(&http.Client{Transport: c.inner}).CloseIdleConnections()
}
