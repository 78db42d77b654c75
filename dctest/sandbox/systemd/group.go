package systemd

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// groupPoll is the time between two checks whether a killed process group has ended. They
// are needed because there is no event for the end of the group's last process.
const groupPoll = time.Millisecond

// awaitGroupEnd blocks until no process of the killed group is running, at most for
// reapTimeout. A killed process ends only when the kernel next schedules it. The ID of
// the group cannot be reused meanwhile, because the group's leader is still a zombie.
func awaitGroupEnd(pgid int) {
	limit := time.NewTimer(reapTimeout)
	defer limit.Stop()
	tick := time.NewTicker(groupPoll)
	defer tick.Stop()
	for len(running(pgid)) > 0 {
		select {
		case <-limit.C:
			return
		case <-tick.C:
		}
	}
}

// running returns the processes of a group that are not zombies.
func running(pgid int) (pids []int) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		text := string(stat)
		// After the name in parentheses: state, parent, group.
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if len(fields) < 3 || fields[0] == "Z" || fields[0] == "X" || fields[2] != strconv.Itoa(pgid) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
