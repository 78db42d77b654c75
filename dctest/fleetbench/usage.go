package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is the processor time and the memory that processes have used until a round.
type usage struct {
	at time.Time
	// own is the processor time of sabakan-state-setter, fleet that of the fleet, and memory the
	// peak resident memory of sabakan-state-setter in bytes.
	own, fleet time.Duration
	memory     int64
}

// cpuOf returns the processor time of a process; 0 if it has ended.
func cpuOf(pid int) time.Duration {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest) // from the third one, the state
	const utime, stime = 11, 12
	if len(fields) <= stime {
		return 0
	}
	u, _ := strconv.ParseInt(fields[utime], 10, 64)
	s, _ := strconv.ParseInt(fields[stime], 10, 64)
	return time.Duration(u+s) * 10 * time.Millisecond // USER_HZ is 100
}

// peakOf returns the peak resident memory of a process in bytes; 0 if it has ended.
func peakOf(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), "VmHWM:")
	kib, _ := strconv.ParseInt(strings.Fields(rest + " 0")[0], 10, 64)
	return kib << 10
}

// last returns the end of a log.
func last(log []byte) []byte {
	const most = 2000
	return bytes.TrimSpace(log[max(0, len(log)-most):])
}
