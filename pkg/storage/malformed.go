package storage

import "fmt"

// MalformedKey is the error about a key in etcd whose name or value does not match the
// table of keys. Such a key is left unchanged.
type MalformedKey struct {
	Key string
	Err error
	// Rev is the revision at which the key was last written. It is set in snapshots only.
	Rev int64
}

func (m MalformedKey) Error() string {
	return fmt.Sprintf("MalformedKey %s: %v", m.Key, m.Err)
}

func (m MalformedKey) Unwrap() error { return m.Err }
