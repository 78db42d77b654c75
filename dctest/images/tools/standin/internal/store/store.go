// Package store keeps the values of a stand-in under keys: in etcd, with the
// certificate that Neco issued, or in a directory where there is no etcd.
//
// It must not know what the values mean.
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
	ErrConflict = errors.New("changed by somebody else")
)

// Pair is one value. Rev changes with every write of it.
type Pair struct {
	Key   string
	Value []byte
	Rev   int64
}

// Store is where values are. Every method ends with its context.
type Store interface {
	// Get returns ErrNotFound for what is not there.
	Get(ctx context.Context, key string) (Pair, error)
	// List returns the pairs below a prefix, in the order of keys.
	List(ctx context.Context, prefix string) ([]Pair, error)
	// Create writes all values, or none and ErrExists if a key is there.
	Create(ctx context.Context, values map[string][]byte) error
	// Update replaces a value whose revision is rev, 0 if it must be absent,
	// else returns ErrConflict.
	Update(ctx context.Context, key string, rev int64, value []byte) error
	// Delete removes keys; absent ones are no error.
	Delete(ctx context.Context, keys ...string) error
}

// Config is the part of a configuration file that is about etcd.
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

// Open returns the store of a configuration: etcd if it names endpoints and
// its certificate, if it names one, is there; else the directory.
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

// MaxWait is how long callers should let an operation take.
const MaxWait = 10 * time.Second
