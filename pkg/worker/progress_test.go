package worker_test

import (
	"context"
	"testing"

	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/update"
)

func TestTheStatusShowsWhatAnActionWaitsFor(t *testing.T) {
	c := newCell(t)
	c.request(0)
	goOn := make(chan struct{})
	c.start(&host{world: c.world, progress: "serf.service: activating", before: func(ctx context.Context, p update.Place) error {
		if p.Step == 1 {
			<-goOn
		}
		return nil
	}}, emptyTable(3), &memJournal{})
	const want = "in progress: step 1 (step1) act: serf.service: activating"
	waits := c.await("the progress", func(s *storage.Snapshot) bool { return s.Statuses[0].Message == want }).Statuses[0]
	if !waits.At.After(*waits.Since) {
		t.Errorf("it waits since %s, when it wrote that: it has arrived before", waits.Since)
	}
	close(goOn)
	c.await("the progress to be gone", func(s *storage.Snapshot) bool { return s.Complete() && s.Statuses[0].Message == "" })
}

func TestTheStatusOfAServerThatWaitsForItsTurnSaysSo(t *testing.T) {
	c := newCell(t)
	c.request(0, 1)
	table := emptyTable(1)
	table[1].Actions[0].Kind = update.Rolling
	goOn := make(chan struct{})
	for lrn := range 2 {
		c.start(&host{lrn: lrn, world: c.world, before: func(_ context.Context, p update.Place) error {
			if p.Step == 1 {
				<-goOn
			}
			return nil
		}}, table, &memJournal{})
	}
	const want = "in progress: step 1 (step1) act: waiting for its turn; one boot server at a time"
	c.await("one that waits for its turn", func(s *storage.Snapshot) bool {
		return (s.Statuses[0].Message == want) != (s.Statuses[1].Message == want)
	})
	close(goOn)
	c.await("complete", complete)
}
