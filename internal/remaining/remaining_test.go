package remaining_test

import (
	"slices"
	"testing"

	"github.com/cybozu-go/neco/internal/remaining"
)

func TestItReportsWhatIsLeft(t *testing.T) {
	var got []string
	n := remaining.New(func(names string) { got = append(got, names) }, "etcd", "serf", "vault")
	n.Done("serf")
	n.Done("etcd")
	n.Done("vault")
	if want := []string{"etcd, serf, vault", "etcd, vault", "vault", ""}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
