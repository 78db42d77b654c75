package steps_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

func TestABootImageWithAnotherDigestIsAFaultOfTheRelease(t *testing.T) {
	for title, c := range map[string]struct {
		err   error
		fault bool
	}{
		"another digest":       {fmt.Errorf("pull image x: %w", neco.ErrImageDigest), true},
		"an absent registry":   {errors.New("connection refused"), false},
		"all images as wanted": {nil, false},
	} {
		t.Run(title, func(t *testing.T) {
			_, fake, h, _ := newHost(t)
			fake.Fail = func(act string) error {
				if act == "pull serf" {
					return c.err
				}
				return nil
			}
			tg, _ := target(neco.ProdEnv)
			_, err := h.Do(t.Context(), update.Place{Step: 1}, tg)
			if (err == nil) != (c.err == nil) || worker.IsPermanent(err) != c.fault || worker.IsReleaseFault(err) != c.fault {
				t.Errorf("%v: permanent %t, fault of the release %t; want %t", err, worker.IsPermanent(err), worker.IsReleaseFault(err), c.fault)
			}
		})
	}
}
