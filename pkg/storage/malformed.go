package storage

import (
	"fmt"
	"strings"
)

// MalformedKey names a key whose name or value is not what the table says.
// The key is skipped; nothing is changed.
type MalformedKey struct {
	Key string
	Err error
}

func (m MalformedKey) Error() string {
	return fmt.Sprintf("MalformedKey %s: %v", m.Key, m.Err)
}

func (m MalformedKey) Unwrap() error { return m.Err }

// secret keys never have their value in an error.
func secretKey(key string) bool {
	for _, p := range []string{"vault-", "bmc/", "teleport/", "config/notification/", "config/quay-password", "config/github-token"} {
		if strings.HasPrefix(key, p) {
			return true
		}
	}
	return false
}
