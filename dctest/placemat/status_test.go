package placemat

import (
	"os"
	"strings"
	"testing"
)

func TestStatusShowsWhatIsBrokenAndWhatTheBootServersUse(t *testing.T) {
	st := &Status{
		Nodes: []NodeStatus{
			{Name: "core", Kind: "core", Processes: 2, Memory: 10 << 20, CPU: 1},
			{Name: "boot-0", Kind: "boot", Processes: 9, Memory: 100 << 20, CPU: 2.5},
			{Name: "boot-1", Kind: "boot", Processes: 9, Memory: 200 << 20, CPU: 0.5},
			{Name: "boot-2", Kind: "boot", Off: true},
		},
		Links:    []LinkStatus{{A: "core eth0", B: "spine1 eth0", Up: true}, {A: "rack0-tor1 eth2", B: "boot-2 eth0"}},
		Sessions: []SessionStatus{{Node: "core", Peer: "spine1", State: "Established"}, {Node: "boot-2", Peer: "rack0-tor1", State: "missing"}},
	}
	st.Boot = st.BootServers()
	var out strings.Builder
	if err := st.Render(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"links: 1 of 2 up", "down: rack0-tor1 eth2 - boot-2 eth0", "BGP sessions: 1 of 2 established", "missing: boot-2 - rack0-tor1",
		"boot servers: 2, 300 MiB, 3.0% of a processor", "all nodes: 4, 310 MiB, 4.0% of a processor",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if st.Healthy() {
		t.Error("it is healthy")
	}
}

func TestTheProcessorTimeOfAProcessGrows(t *testing.T) {
	before := usageOf([]int{os.Getpid()})
	for processorTime(os.Getpid()) == before.used {
		_ = strings.Repeat("work", 1000)
	}
	if p := before.percent(); p <= 0 {
		t.Errorf("%.1f%%", p)
	}
	if processorTime(-1) != 0 {
		t.Error("a process that is not there uses time")
	}
}
