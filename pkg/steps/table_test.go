package steps_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/program"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/update"
)

func TestEveryProgramThatOperatorsSetUpHasAComponent(t *testing.T) {
	for _, p := range program.OnServers() {
		if c := steps.Component(p.Name); c == nil || len(c.Units()) != len(p.Units) {
			t.Errorf("%s: component %v; its units are %v", p.Name, c, p.Units)
		}
	}
}

func TestEveryComponentHasARowOfItsProgram(t *testing.T) {
	for _, p := range program.All() {
		c := steps.Component(p.Name)
		if c == nil {
			continue
		}
		for _, u := range c.Units() {
			if !slices.Contains(p.Units, u.Name) {
				t.Errorf("%s: unit %s is not in its row %v", p.Name, u.Name, p.Units)
			}
		}
		i, ok := c.(component.Imaged)
		if ok && i.Image() != p.Name {
			t.Errorf("%s: image %s", p.Name, i.Image())
		}
		if _, tooled := c.(component.Tooled); ok && tooled != (p.ToolsMount != "") {
			t.Errorf("%s: tools %t, mount %q", p.Name, tooled, p.ToolsMount)
		}
	}
}

// TestANoteNamesTheProgramThatIsLeftAlone: servers show notes without the step of the action.
func TestANoteNamesTheProgramThatIsLeftAlone(t *testing.T) {
	_, _, h, _ := newHost(t)
	tg, _ := target(neco.ProdEnv)
	for step, want := range map[int]string{
		2: "etcd is not set up by neco here: left alone", 4: "vault is not set up by neco here: left alone",
		10: "sabakan-state-setter is not installed here: left alone",
	} {
		if note, err := h.Do(t.Context(), update.Place{Step: step}, tg); note != want || err != nil {
			t.Errorf("step %d: note %q, error %v; want %q", step, note, err, want)
		}
	}
}

// TestOnlyGroupsAreStoppedAndStarted checks that each group that an action stops or
// starts is the name of a program.
func TestOnlyGroupsAreStoppedAndStarted(t *testing.T) {
	groups := program.Names(program.Groups())
	for _, s := range steps.Table() {
		for _, a := range s.Actions {
			for _, group := range []string{a.Stops, a.Starts} {
				if group != "" && !slices.Contains(groups, group) {
					t.Errorf("step %s: group %q is none of %v", s.Name, group, groups)
				}
			}
		}
	}
}

// Numbers of steps.
const (
	etcdpasswdStep = 8
	sabakanStep    = 9
	ckeStep        = 12
	dhcpStep       = 15
	resourcesStep  = 17
)

func TestAnUpdateTellsAProgramWhereEtcdIsNow(t *testing.T) {
	_, units, h, ch := newHost(t)
	tg, _ := target(neco.ProdEnv)
	write, restart := update.Place{Step: etcdpasswdStep, Action: 3}, update.Place{Step: etcdpasswdStep, Action: 4}
	do := func(p update.Place) (string, []string) {
		t.Helper()
		note, err := h.Do(t.Context(), p, tg)
		if err != nil {
			t.Fatal(err)
		}
		return note, units.Did()
	}
	put := func(name, text string) {
		t.Helper()
		if _, err := ch.FS.Write(host.File{Path: name, Data: []byte(text), Mode: 0o755}); err != nil {
			t.Fatal(err)
		}
	}
	do(write)
	if there, err := ch.FS.Exists(neco.EtcdpasswdConfFile); there || err != nil {
		t.Errorf("it is written where nobody has set it up (%v)", err)
	}
	put(neco.EtcdpasswdCertFile, "x")
	if _, err := h.SetUp(t.Context(), program.Etcdpasswd, tg); err != nil {
		t.Fatal(err)
	}
	if note, did := do(restart); len(did) > 0 || !strings.Contains(note, "not installed here") {
		t.Errorf("it is not installed: %q, did %v", note, did)
	}
	put("/usr/sbin/ep-agent", "1")
	if err := h.Started(t.Context(), program.Etcdpasswd, tg); err != nil {
		t.Fatal(err)
	}
	if _, did := do(restart); !slices.Equal(did, []string{"start ep-agent"}) {
		t.Errorf("it is down: did %v", did)
	}
	do(write)
	if _, did := do(restart); len(did) > 0 {
		t.Errorf("nothing has changed: did %v", did)
	}
	put("/usr/sbin/ep-agent", "2")
	if _, did := do(restart); !slices.Equal(did, []string{"restart ep-agent"}) {
		t.Errorf("the package has changed: did %v", did)
	}
	tg.Members = []int{0, 1, 2, 3}
	do(write)
	data, err := ch.FS.Read(neco.EtcdpasswdConfFile)
	if err != nil || !strings.Contains(string(data), neco.EtcdEndpoints([]int{3})[0]) {
		t.Errorf("%s, %v", data, err)
	}
	if _, did := do(restart); !slices.Equal(did, []string{"restart ep-agent"}) {
		t.Errorf("did %v", did)
	}
}
