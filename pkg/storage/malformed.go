package storage

import "fmt"

// MalformedKey names a key whose name or value is not what the table says.
// The key is skipped; nothing is changed.
type MalformedKey struct {
	Key string
	Err error
	// Rev is the revision at which it was written, in a snapshot.
	Rev int64
}

func (m MalformedKey) Error() string {
	return fmt.Sprintf("MalformedKey %s: %v", m.Key, m.Err)
}

func (m MalformedKey) Unwrap() error { return m.Err }
