package status_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/steps"
)

func TestAVaultThatDoesNotServeIsTold(t *testing.T) {
	v := status.New(complete(), steps.Table(), *clock(0))
	shown := func() string {
		t.Helper()
		var b bytes.Buffer
		if err := v.Render(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	v.AddVaults(map[int]string{1: "", 99: "a stranger's"})
	if text := shown(); strings.Contains(text, "vault  ") || strings.Contains(text, "stranger") {
		t.Error(text)
	}
	v.AddVaults(map[int]string{1: "it is\nsealed"})
	if text := shown(); !strings.Contains(text, "boot server 1: it is sealed") {
		t.Error(text)
	}
}

func TestFollowersAreToldOnceOfAVaultThatDoesNotServe(t *testing.T) {
	before, v, later := status.New(complete(), steps.Table(), *clock(0)), status.New(complete(), steps.Table(), *clock(0)), status.New(complete(), steps.Table(), *clock(0))
	v.AddVaults(map[int]string{1: "it is sealed"})
	later.AddVaults(map[int]string{1: "it is sealed"})
	if got := v.Changes(before); !slices.Equal(got, []string{"boot server 1: it is sealed"}) {
		t.Errorf("got %q", got)
	}
	if got := later.Changes(v); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}
