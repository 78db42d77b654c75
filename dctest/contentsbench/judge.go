package main

import (
	"errors"
	"fmt"
)

const (
	// maxPeak is the maximum of the worker's peak resident memory in bytes.
	maxPeak = 100 * mib
	// aim is the part of the rate of crane and curl that neco-worker should reach, and
	// least the part below which this program fails: machines have other work.
	aim   = 0.9
	least = aim / 10
	// tolerance is the part by which the bytes of a transfer may exceed the size of all
	// blobs. An asset consists of the blobs of an image and a few KiB of headers.
	tolerance = 0.01
	// minMiB is the smallest size of all images for which these headers are within the
	// tolerance.
	minMiB = 10
)

// once returns an error unless m has downloaded and uploaded each blob once: at least total
// bytes, the size of all blobs, and at most the tolerance more.
func once(m measured, total int64) error {
	var errs []error
	most := total + int64(tolerance*float64(total))
	check := func(what string, bytes int64) {
		if bytes < total || bytes > most {
			errs = append(errs, fmt.Errorf("%s %d bytes, want %d to %d", what, bytes, total, most))
		}
	}
	check("the registry sent", m.downloaded)
	check("sabakan received", m.uploaded)
	return errors.Join(errs...)
}

// nothing returns an error if m, an upload of images that sabakan has, has transferred
// anything.
func nothing(m measured) error {
	if m.downloaded != 0 || m.uploaded != 0 {
		return fmt.Errorf("second upload: the registry sent %d bytes and sabakan received %d, want 0", m.downloaded, m.uploaded)
	}
	return nil
}

// small returns an error if the worker's peak resident memory is above its maximum.
func small(peak int64) error {
	if peak > maxPeak {
		return fmt.Errorf("the peak memory was %.1f MiB, more than %d", float64(peak)/mib, maxPeak/mib)
	}
	return nil
}

// fast returns an error if the median of the rates is far from the aim.
func fast(rounds []round) error {
	if m := median(ratios(rounds)); m < least {
		return fmt.Errorf("the rate is %.2f of that of crane and curl, less than %.2f", m, least)
	}
	return nil
}

// inOrder calls the ways of a round one after the other, up to the first error: a result is
// not comparable with that of a way that failed.
func inOrder(ways ...func() error) error {
	for _, way := range ways {
		if err := way(); err != nil {
			return err
		}
	}
	return nil
}
