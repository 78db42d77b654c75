package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

const (
	// maxPeak is the maximum of the worker's peak resident memory in bytes.
	maxPeak = 100 * mib
	// aim is the part of the rate of crane and curl that neco-worker should reach, and
	// least the part below which this program fails.
	aim   = 0.9
	least = aim / 10
	// tolerance is the part by which the number of downloaded bytes may differ from the size
	// of all blobs.
	tolerance = 0.05
)

// ratio returns the rate of neco-worker as a part of that of crane and curl.
func (r round) ratio() float64 { return float64(r.crane.took) / float64(r.neco.took) }

// printRounds prints the results. total is the size of all blobs in bytes.
func printRounds(w io.Writer, total int64, rounds []round) {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		load = []byte("unknown")
	}
	fmt.Fprintf(w, "%.1f MiB of blobs, %d CPUs, load %s\n", float64(total)/mib, runtime.NumCPU(), strings.TrimSpace(string(load)))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "round\tway\tseconds\tCPU seconds\tMiB/s\tfrom registry (MiB)\tto sabakan (MiB)\tpeak memory (MiB)\tratio\t")
	for n, r := range rounds {
		row := func(way string, m measured, rest string) {
			fmt.Fprintf(tw, "%d\t%s\t%.1f\t%.1f\t%.0f\t%.1f\t%.1f\t%s\t\n", n+1, way, m.took.Seconds(), m.cpu.Seconds(), rate(total, m.took), float64(m.downloaded)/mib, float64(m.uploaded)/mib, rest)
		}
		row("neco-worker", r.neco, fmt.Sprintf("%.1f\t%.2f", float64(r.peak)/mib, r.ratio()))
		row("crane, curl", r.crane, "\t")
		fmt.Fprintf(tw, "%d\tneco-worker again\t%.1f\t%.1f\t\t%.1f\t%.1f\t\t\t\n", n+1, r.again.took.Seconds(), r.again.cpu.Seconds(), float64(r.again.downloaded)/mib, float64(r.again.uploaded)/mib)
	}
	_ = tw.Flush() // the output may be closed
	all := ratios(rounds)
	fmt.Fprintf(w, "ratio: median %.2f, from %.2f to %.2f; the aim is %.1f\n", median(all), all[0], all[len(all)-1], aim)
}

// rate returns MiB per second.
func rate(bytes int64, took time.Duration) float64 { return float64(bytes) / mib / took.Seconds() }

// ratios returns the ratios of all rounds, sorted.
func ratios(rounds []round) []float64 {
	var all []float64
	for _, r := range rounds {
		all = append(all, r.ratio())
	}
	slices.Sort(all)
	return all
}

// median returns the median of sorted numbers.
func median(sorted []float64) float64 {
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// judge returns an error for each condition of this program that does not hold.
func judge(total int64, rounds []round) error {
	var errs []error
	for n, r := range rounds {
		if r.peak > maxPeak {
			errs = append(errs, fmt.Errorf("round %d: the worker's peak memory was %.1f MiB, more than %d", n+1, float64(r.peak)/mib, maxPeak/mib))
		}
		if off := float64(r.neco.downloaded)/float64(total) - 1; off > tolerance || off < -tolerance {
			errs = append(errs, fmt.Errorf("round %d: the worker downloaded %d bytes of blobs that have %d", n+1, r.neco.downloaded, total))
		}
		if r.neco.uploaded < total {
			errs = append(errs, fmt.Errorf("round %d: sabakan received %d bytes of blobs that have %d", n+1, r.neco.uploaded, total))
		}
		if r.again.downloaded != 0 || r.again.uploaded != 0 {
			errs = append(errs, fmt.Errorf("round %d: the second upload downloaded %d bytes and sent %d, not 0", n+1, r.again.downloaded, r.again.uploaded))
		}
	}
	if m := median(ratios(rounds)); m < least {
		errs = append(errs, fmt.Errorf("the rate is %.2f of that of crane and curl, less than %.2f", m, least))
	}
	return errors.Join(errs...)
}
