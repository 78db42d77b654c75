package steps_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/steps"
	"github.com/cybozu-go/neco/pkg/storage"
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

func TestABootServerPullsByTheDigestsOfTheRelease(t *testing.T) {
	got, err := steps.Real(t.TempDir(), nil, slog.New(slog.DiscardHandler)).Containers(storage.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(neco.CurrentDigests(), got.(host.Containers).Digests); diff != "" {
		t.Errorf("(-release +boot server):\n%s", diff)
	}
}
