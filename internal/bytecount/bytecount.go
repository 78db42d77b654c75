// Package bytecount counts the bytes that go through readers, writers and HTTP responses.
//
// It owns these wrappers alone. It must not know what the bytes are, nor where the counts
// are shown.
package bytecount

import (
	"io"
	"net/http"
)

// Reader is an io.ReadCloser that calls Count with the size in bytes of each part that was
// read.
type Reader struct {
	io.ReadCloser
	Count func(bytes int64)
}

// Read implements io.Reader.
func (r Reader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if n > 0 {
		r.Count(int64(n))
	}
	return n, err
}

// Writer is an io.Writer that discards all data. Its value is the number of bytes written so
// far.
type Writer int64

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	*w += Writer(len(p))
	return len(p), nil
}

// Response is an http.ResponseWriter that calls Count with the size in bytes of each part of
// the body that was written.
type Response struct {
	http.ResponseWriter
	Count func(bytes int64)
}

// Write implements io.Writer.
func (r Response) Write(p []byte) (int, error) {
	n, err := r.ResponseWriter.Write(p)
	r.Count(int64(n))
	return n, err
}

// ReadFrom implements io.ReaderFrom, so that the kernel copies files to the connection as
// without a Response.
func (r Response) ReadFrom(src io.Reader) (int64, error) {
	n, err := io.Copy(r.ResponseWriter, src)
	r.Count(n)
	return n, err
}
