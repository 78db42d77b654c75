package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// cache is a directory of built files. The name of each file contains a digest of
// everything from which it was built, so an existing file is never out of date.
type cache struct {
	dir     string
	verbose bool
}

// make returns the path of the file kind/name-key+ext in the cache. If the file does not
// exist, it prints the note, if there is one, and calls build to write the file.
func (c cache) make(kind, name, key, ext, note string, build func(tmp string) error) (string, error) {
	file := filepath.Join(c.dir, kind, name+"-"+key+ext)
	if _, err := os.Stat(file); err == nil {
		if c.verbose {
			fmt.Printf("%-8s %s: unchanged\n", kind, name)
		}
		return file, nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	if note != "" {
		fmt.Printf("%-8s %s: building, %s if nothing is cached\n", kind, name, note)
	}
	start := time.Now()
	tmp := fmt.Sprintf("%s.tmp%d", file, os.Getpid())
	defer os.RemoveAll(tmp)
	if err := build(tmp); err != nil {
		return "", fmt.Errorf("build %s %s: %w", kind, name, err)
	}
	if err := os.Rename(tmp, file); err != nil {
		return "", err
	}
	fmt.Printf("%-8s %s: built in %.1f s\n", kind, name, time.Since(start).Seconds())
	return file, c.forget(kind, name, ext, file)
}

// forget removes the builds of the file called name, except keep and the two newest
// ones. The build before keep may still be in use or be needed after a revert.
func (c cache) forget(kind, name, ext, keep string) error {
	files, err := filepath.Glob(filepath.Join(c.dir, kind, name+"-"+strings.Repeat("?", keyLength)+ext))
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b string) int { return modTime(b).Compare(modTime(a)) })
	for i, f := range files {
		if i > 1 && f != keep {
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	return nil
}

func modTime(file string) time.Time {
	info, err := os.Stat(file)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

const keyLength = 16

// keyOf returns a digest of the values and of the Go release.
func keyOf(values ...any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %q", runtime.Version(), fmt.Sprint(values...)))
	return hex.EncodeToString(sum[:])[:keyLength]
}

// keyOfFile returns a digest of a file.
func keyOfFile(name string) (string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	return keyOf(string(data)), nil
}

// keyOfDir returns a digest of the regular files below a directory, except Go tests.
func keyOfDir(dir string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		fmt.Fprintf(h, "%s %x\n", rel, sha256.Sum256(data))
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:keyLength], err
}
