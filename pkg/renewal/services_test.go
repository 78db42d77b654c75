package renewal_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/renewal"
)

// active is a set of units, all of which are running.
type active struct{}

func (active) IsActive(context.Context, string) (bool, error) { return true, nil }
func (active) TryRestart(context.Context, string) error       { return nil }

// signals returns err when it is to send a signal.
type signals struct{ err error }

func (s signals) Signal(context.Context, string, string) error { return s.err }

func TestAVaultThatIsAboutToStartNeedsNotBeTold(t *testing.T) {
	tell := func(err error) error {
		return renewal.Services{Units: active{}, Containers: signals{err}}.Reload(t.Context(), purpose(t, pki.Server))
	}
	if err := tell(fmt.Errorf("signal vault: %w", host.ErrNoContainer)); err != nil {
		t.Error(err)
	}
	broken := errors.New("docker is away")
	if err := tell(broken); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}
