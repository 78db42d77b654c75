package systemd

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// groupPoll is the time between two checks of a killed process group; there is no event
// for the end of its last process.
const groupPoll = time.Millisecond

// awaitGroupEnd blocks until no process of the group is running, at most for
// reapTimeout. A killed process ends only when it is scheduled next, so the group still
// runs for a moment after kill(2). The group ID cannot be reused because the leader is
// still a zombie.
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

// running lists the processes of a group that are not zombies.
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
