package release

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Fetched describes a downloaded file.
type Fetched struct {
	// Size is the size of the file in bytes.
	Size int64
	// SHA256 is the digest of the file in lower-case hex.
	SHA256 string
}

// Fetch downloads the file at the URL address to dst, whose directory must exist. Either
// dst is complete and synced afterwards, or it is unchanged. Fetch uses a temporary file
// in the same directory and little memory.
//
// It blocks until the file is complete, ctx ends, or the attempts in limits are used up.
// An attempt continues the previous one if the server supports that and its file is
// unchanged. The client should not have a timeout, which would bound the whole download.
//
// It fails with ErrTooLarge, ErrTruncated, ErrStalled, ErrDiskFull, ErrDigestMismatch, or
// a *RateLimitedError; other errors are those of the network and of the server. Errors
// contain address without its query, which may be a secret.
func Fetch(ctx context.Context, client *http.Client, address, dst string, limits Limits) (Fetched, error) {
	got, err := fetchTo(ctx, client, address, dst, limits.withDefaults())
	if err != nil {
		return Fetched{}, fmt.Errorf("fetch %s: %w", displayURL(address), err)
	}
	return got, nil
}

// fetchTo does the same as Fetch, without address in its errors. The limits have no zero
// field with a default.
func fetchTo(ctx context.Context, client *http.Client, address, dst string, limits Limits) (Fetched, error) {
	if err := allowed(address); err != nil {
		return Fetched{}, err
	}
	p, err := newPartial(filepath.Dir(dst))
	if err != nil {
		return Fetched{}, err
	}
	defer p.discard()
	d := &download{client: client, address: address, limits: limits, partial: p}
	if err := d.run(ctx); err != nil {
		return Fetched{}, err
	}
	got := Fetched{Size: p.size, SHA256: p.sum()}
	if want := limits.SHA256; want != "" && got.SHA256 != want {
		return Fetched{}, fmt.Errorf("%w: SHA-256 is %s, want %s", ErrDigestMismatch, got.SHA256, want)
	}
	return got, p.commit(dst)
}

// run repeats attempts until one completes the file, an error is permanent, or their
// number is used up.
func (d *download) run(ctx context.Context) error {
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		last = d.attempt(ctx)
		return struct{}{}, d.judge(last)
	}, backoff.WithBackOff(d.limits.backoff()), backoff.WithMaxTries(uint(d.limits.Attempts)), backoff.WithMaxElapsedTime(0))
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(last, cause) {
		return fmt.Errorf("%w (%w)", cause, last)
	}
	return last
}

// judge converts the error of an attempt for package backoff. The result is permanent
// if another attempt would fail, too, and carries the wait that the server has asked
// for, if any.
func (d *download) judge(err error) error {
	var limited *RateLimitedError
	if errors.As(err, &limited) {
		wait := max(time.Until(limited.RetryAt), d.limits.MinBackoff)
		if wait > d.limits.MaxRetryAfter {
			return backoff.Permanent(err)
		}
		return &backoff.RetryAfterError{Duration: wait}
	}
	if permanent(err) {
		return backoff.Permanent(err)
	}
	return err
}

func permanent(err error) bool {
	if errors.Is(err, ErrTooLarge) || errors.Is(err, ErrDiskFull) || errors.Is(err, errRefused) {
		return true
	}
	var onDisk *os.PathError
	if errors.As(err, &onDisk) {
		return true
	}
	var answered *statusError
	return errors.As(err, &answered) && answered.final()
}

// errRefused reports an address that must not be fetched: it is not a valid http or https
// URL, or redirects from https to http.
const errRefused Kind = "address refused"

func allowed(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return fmt.Errorf("%w: not an http or https URL", errRefused)
	}
	return nil
}

// displayURL returns address without its password and query, which may be secrets.
func displayURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "(malformed URL)"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
