package placemat

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endProcesses ends all processes in the namespaces, first by SIGTERM and then by
// SIGKILL. Only processes of this data centre run in its namespaces.
func (c *Centre) endProcesses(ctx context.Context, namespaces []string) error {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		pids, err := c.pids(ctx, namespaces)
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			return nil
		}
		for _, pid := range pids {
			if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("end process %d: %w", pid, err)
			}
		}
		wctx, cancel := context.WithTimeout(ctx, stopTimeout)
		err = await(wctx, 20*time.Millisecond, func(ctx context.Context) (string, error) {
			for _, pid := range pids {
				if alive(pid) {
					return fmt.Sprintf("the end of process %d", pid), nil
				}
			}
			return "", nil
		})
		cancel()
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("processes in the namespaces of %s do not exit", c.Name)
}

// pids returns the ids of all processes in the namespaces.
func (c *Centre) pids(ctx context.Context, namespaces []string) ([]int, error) {
	var pids []int
	for _, ns := range namespaces {
		out, err := run(ctx, "ip", "netns", "pids", ns)
		if err != nil {
			return nil, err
		}
		for _, text := range strings.Fields(out) {
			pid, err := strconv.Atoi(text)
			if err != nil {
				return nil, fmt.Errorf("process of %s: %w", ns, err)
			}
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// alive reports whether a process exists and is not a zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

// resident returns the resident memory of a process in bytes, or 0 if it has exited.
func resident(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(data))
	if len(f) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
