package steps

import (
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/update"
	"github.com/cybozu-go/neco/pkg/worker"
)

func TestNecoNeedsTheNameOfItsProxyOnly(t *testing.T) {
	for proxy, want := range map[string][]string{
		"": {"api.github.com"}, "http://squid.example:3128": {"squid.example"},
		"http://10.0.49.3:3128": nil, "http://ops:winter@[fd00::1]:3128": nil,
	} {
		if got := needed(proxy); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", proxy, got, want)
		}
	}
}

// TestTheLocalResolverIsAskedWhereItRuns uses an address at which nothing listens.
func TestTheLocalResolverIsAskedWhereItRuns(t *testing.T) {
	units, ch := componenttest.New(t)
	h := NewHost(Options{FS: ch.FS, Units: units, Resolver: "127.0.0.1:1"})
	at := update.Place{Step: len(h.rows) - 1}
	at.Action = slices.IndexFunc(Table()[at.Step].Actions, func(a update.Action) bool { return a.Name == "resolver" })
	if note, err := h.Do(t.Context(), at, worker.Target{}); note != "" || err != nil {
		t.Errorf("without cke-localproxy: note %q, %v", note, err)
	}
	if err := units.Start(t.Context(), neco.CKELocalProxyService); err != nil {
		t.Fatal(err)
	}
	if note, err := h.Do(t.Context(), at, worker.Target{}); !strings.Contains(note, "127.0.0.1:1 does not resolve kubernetes") || err != nil {
		t.Errorf("note %q, %v", note, err)
	}
}
