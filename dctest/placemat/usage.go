package placemat

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cybozu-go/neco/dctest/placemat/cluster"
)

// ticks is the number of clock ticks in a second of processor time, see proc(5). It is
// 100 on every architecture that Go supports.
const ticks = 100

// usage is the processor time of some processes at one moment.
type usage struct {
	pids []int
	used time.Duration
	at   time.Time
}

func usageOf(pids []int) usage {
	u := usage{pids: pids, at: time.Now()}
	for _, pid := range pids {
		u.used += processorTime(pid)
	}
	return u
}

// percent returns the processor time that the processes have used since u, in percent of
// one processor. It does not count processes that have exited since.
func (u usage) percent() float64 {
	now := usageOf(u.pids)
	return max(0, 100*(now.used-u.used).Seconds()/now.at.Sub(u.at).Seconds())
}

// processorTime returns the processor time that a process has used in total, or 0 if the
// process has exited.
func processorTime(pid int) time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The second field, the program's name in parentheses, may contain spaces. utime
	// and stime are the fields 14 and 15, see proc(5).
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(f) < 13 {
		return 0
	}
	var sum int64
	for _, text := range f[11:13] {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks
}

// Usage is the use of resources by several nodes: memory in bytes and processor time in
// percent of one processor.
type Usage struct {
	Nodes  int     `json:"nodes"`
	Memory int64   `json:"memory"`
	CPU    float64 `json:"cpu"`
}

func (u Usage) String() string {
	return fmt.Sprintf("boot servers: %d, %s, %.1f%% of a processor", u.Nodes, mib(u.Memory), u.CPU)
}

// BootServers returns the total use of resources by those boot servers that are on.
func (s *Status) BootServers() Usage {
	var u Usage
	for _, n := range s.Nodes {
		if n.Kind != string(cluster.Boot) || n.Off {
			continue
		}
		u.Nodes++
		u.Memory += n.Memory
		u.CPU += n.CPU
	}
	return u
}
