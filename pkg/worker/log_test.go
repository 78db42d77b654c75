package worker_test

import (
	"testing"

	"github.com/cybozu-go/neco/pkg/update"
)

// TestTheLogOfARunHasWhatAnOperatorWants also checks that the decisions of pkg/update,
// about twenty in each step, are not logged at info level.
func TestTheLogOfARunHasWhatAnOperatorWants(t *testing.T) {
	c := newCell(t)
	table := emptyTable(5)
	table[2].Actions[0].Kind = update.Rolling
	c.request(0, 1)
	late := &host{lrn: 1, world: c.world}
	c.start(&host{lrn: 0, world: c.world}, table, &memJournal{})
	c.world.await(t, "logged waiting for boot servers")
	c.start(late, table, &memJournal{})
	c.await("all complete", complete)
	c.world.await(t, "logged run ended")
	for text, want := range map[string]int{
		"logged run entered": 2, "logged step started": 10, "logged step finished": 10, "logged decided": 0, "logged reported": 0,
	} {
		if n := c.world.count(text); n != want {
			t.Errorf("%q: %d times, want %d", text, n, want)
		}
	}
}
