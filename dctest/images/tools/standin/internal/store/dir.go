package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
)

// dir is a store in a directory, with a file for each key. Only one process may use it.
type dir struct {
	mu   sync.Mutex
	path string
}

// record is the content of a file.
type record struct {
	Rev   int64
	Value []byte
}

func openDir(path string) (Store, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	return &dir{path: path}, nil
}

func (d *dir) file(key string) string {
	return filepath.Join(d.path, base64.RawURLEncoding.EncodeToString([]byte(key)))
}

func (d *dir) read(key string) (Pair, error) {
	data, err := os.ReadFile(d.file(key))
	if errors.Is(err, fs.ErrNotExist) {
		return Pair{}, ErrNotFound
	}
	var r record
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	return Pair{key, r.Value, r.Rev}, err
}

func (d *dir) write(key string, rev int64, value []byte) error {
	data, err := json.Marshal(record{rev, value})
	if err != nil {
		return err
	}
	tmp := d.file(key) + ".tmp"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, d.file(key))
}

func (d *dir) Get(_ context.Context, key string) (Pair, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.read(key)
}

func (d *dir) List(_ context.Context, prefix string) ([]Pair, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	var pairs []Pair
	for _, e := range entries {
		key, err := base64.RawURLEncoding.DecodeString(e.Name())
		if err != nil || !strings.HasPrefix(string(key), prefix) {
			continue
		}
		p, err := d.read(string(key))
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
	}
	sort.Slice(pairs, func(i, j int) bool { return pairs[i].Key < pairs[j].Key })
	return pairs, nil
}

func (d *dir) Create(_ context.Context, values map[string][]byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range values {
		if _, err := d.read(key); err == nil {
			return ErrExists
		}
	}
	for key, value := range values {
		if err := d.write(key, 1, value); err != nil {
			return err
		}
	}
	return nil
}

func (d *dir) Update(_ context.Context, key string, rev int64, value []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	p, err := d.read(key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if p.Rev != rev {
		return ErrConflict
	}
	return d.write(key, rev+1, value)
}

func (d *dir) Delete(_ context.Context, keys ...string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, key := range keys {
		if err := os.Remove(d.file(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
