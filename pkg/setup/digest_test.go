package setup

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
)

func TestSetupPullsByTheDigestsOfTheRelease(t *testing.T) {
	h, err := RealHost(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(neco.CurrentDigests(), h.Containers.(host.Containers).Digests); diff != "" {
		t.Errorf("(-release +setup):\n%s", diff)
	}
}
