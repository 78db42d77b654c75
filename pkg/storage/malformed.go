package storage

import "fmt"

// MalformedKey is an error about a key whose name or value does not match the table of
// keys. Readers skip such a key and do not change it.
type MalformedKey struct {
	Key string
	Err error
	// Rev is the revision of the last write of the key; set in snapshots only.
	Rev int64
}

func (m MalformedKey) Error() string {
	return fmt.Sprintf("MalformedKey %s: %v", m.Key, m.Err)
}

func (m MalformedKey) Unwrap() error { return m.Err }
