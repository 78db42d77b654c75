// Package store stores the values of a program by key: in etcd, with the certificate that
// Neco has issued, or in a directory if no etcd is configured.
//
// It must not know the meaning of the values.
package store

import (
	"context"
	"errors"
	"os"
	"time"
)

// Errors of a Store.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists")
	ErrConflict = errors.New("changed by another writer")
)

// Pair is a key with its value. Rev changes whenever the key is written.
type Pair struct {
	Key   string
	Value []byte
	Rev   int64
}

// Store stores values by key. Each method fails when its context ends.
type Store interface {
	// Get returns ErrNotFound if the key does not exist.
	Get(ctx context.Context, key string) (Pair, error)
	// List returns the pairs whose keys begin with prefix, sorted by key.
	List(ctx context.Context, prefix string) ([]Pair, error)
	// Create writes all values. If one of the keys exists, it writes none and returns
	// ErrExists.
	Create(ctx context.Context, values map[string][]byte) error
	// Update replaces the value of a key whose revision is rev or, if rev is 0, creates
	// the key. It returns ErrConflict if the key has another revision or, if rev is 0,
	// exists.
	Update(ctx context.Context, key string, rev int64, value []byte) error
	// Delete removes keys. It ignores keys that do not exist.
	Delete(ctx context.Context, keys ...string) error
}

// Config is the part of a configuration file that configures etcd.
type Config struct {
	Endpoints []string `json:"endpoints"`
	Prefix    string   `json:"prefix"`
	Timeout   string   `json:"timeout"`
	Username  string   `json:"username"`
	Password  string   `json:"password"`
	CAFile    string   `json:"tls-ca-file"`
	CA        string   `json:"tls-ca"`
	CertFile  string   `json:"tls-cert-file"`
	Cert      string   `json:"tls-cert"`
	KeyFile   string   `json:"tls-key-file"`
	Key       string   `json:"tls-key"`
}

// Open returns a store in etcd. If c has no endpoints, or names a certificate file that
// does not exist yet, it returns a store in a directory instead.
func Open(c Config, dir string) (Store, error) {
	missing := false
	if c.CertFile != "" {
		_, err := os.Stat(c.CertFile)
		missing = err != nil
	}
	if len(c.Endpoints) == 0 || missing {
		return openDir(dir)
	}
	return openEtcd(c)
}

// MaxWait is the timeout that callers should set for one operation.
const MaxWait = 10 * time.Second
