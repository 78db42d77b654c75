package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// ratio returns the rate of neco-worker as a part of that of crane and curl.
func (r round) ratio() float64 { return float64(r.crane.took) / float64(r.neco.took) }

// printRounds prints the results of at least one round. total is the size of all blobs in
// bytes.
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
	reached := "is reached"
	if median(all) < aim {
		reached = "is not reached"
	}
	fmt.Fprintf(w, "ratio: median %.2f, from %.2f to %.2f; the aim of %.1f %s\n", median(all), all[0], all[len(all)-1], aim, reached)
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
