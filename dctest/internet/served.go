package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"

	"github.com/cybozu-go/neco/internal/bytecount"
)

// served is a line of the log: a request and its response.
type served struct {
	Host string `json:"host"`
	Path string `json:"path"`
	// Bytes is the size of the response's body, or how much of it was written until the
	// client disconnected.
	Bytes int64 `json:"bytes"`
	// Authorization is the request's header of that name.
	Authorization string `json:"authorization,omitempty"`
}

// servedLog appends a line to a file for each response. A servedLog without
// file does nothing.
type servedLog struct {
	mu   sync.Mutex
	file io.WriteCloser
}

// openServed opens the file called name, or returns a log without file if name is empty.
func openServed(name string) (*servedLog, error) {
	if name == "" {
		return &servedLog{}, nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of responses: %w", err)
	}
	return &servedLog{file: file}, nil
}

// Close closes the file.
func (l *servedLog) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

// around returns the handler h, with a line in the log for each of its responses.
func (l *servedLog) around(h http.Handler) http.Handler {
	if l.file == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var bytes int64
		// The line is also written if the client disconnects, which may end h by a panic.
		defer func() { l.add(served{hostname(r), r.URL.Path, bytes, r.Header.Get("Authorization")}) }()
		h.ServeHTTP(bytecount.Response{ResponseWriter: w, Count: func(n int64) { bytes += n }}, r)
	})
}

func (l *servedLog) add(s served) {
	line, err := json.Marshal(s)
	if err != nil {
		return // strings and a number are always encoded
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.file.Write(append(line, '\n')) // a test that reads the log misses the line
}
