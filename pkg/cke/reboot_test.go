package cke_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cybozu-go/neco/pkg/cke"
)

func addresses(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, t := range texts {
		all = append(all, netip.MustParseAddr(t))
	}
	return all
}

func TestTheNodesOfTheClusterAreRead(t *testing.T) {
	for out, want := range map[string][]cke.Node{
		"name: dev\nnodes:\n- address: 10.0.0.1\n  hostname: a\n  control_plane: true\n  taints: null\n- address: 10.0.0.2": {
			{Address: netip.MustParseAddr("10.0.0.1"), ControlPlane: true}, {Address: netip.MustParseAddr("10.0.0.2")},
		},
		"nodes: null": nil,
	} {
		got, err := ckecli(t, fmt.Sprintf("printf '%s'", out)).Nodes(t.Context())
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", out, err, diff)
		}
	}
	if got, err := ckecli(t, "echo 'not found' >&2; exit 1").Nodes(t.Context()); err != nil || got != nil {
		t.Errorf("no cluster yet: %v, %v", got, err)
	}
	for _, out := range []string{"text", "nodes: 1", "nodes: [{address: a}]"} {
		if _, err := ckecli(t, fmt.Sprintf("printf '%s'", out)).Nodes(t.Context()); err == nil || !strings.Contains(err.Error(), "prints no cluster") {
			t.Errorf("%q: %v", out, err)
		}
	}
}

func TestCancelledEntriesAreNotInTheRebootQueue(t *testing.T) {
	for out, want := range map[string][]netip.Addr{
		"null": nil,
		`[{"index": "0", "nodes": ["10.0.0.1", "10.0.0.2"], "status": "queued"}, {"index": "1", "nodes": ["10.0.0.3"], "status": "rebooting"},
		  {"index": "2", "nodes": ["10.0.0.4"], "status": "cancelled"}]`: addresses("10.0.0.1", "10.0.0.2", "10.0.0.3"),
	} {
		got, err := ckecli(t, fmt.Sprintf("printf '%s'", out)).Reboots(t.Context())
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", out, err, diff)
		}
	}
	entries, err := ckecli(t, `echo '[{"nodes": ["10.0.0.1"], "status": "queued"}, {"nodes": ["10.0.0.3"], "status": "rebooting"}]'`).RebootQueue(t.Context())
	if err != nil || len(entries) != 2 || entries[0].Begun() || !entries[1].Begun() {
		t.Errorf("%+v, %v", entries, err)
	}
	if _, err := ckecli(t, "echo text").Reboots(t.Context()); err == nil || !strings.Contains(err.Error(), "prints no queue") {
		t.Errorf("garbage: %v", err)
	}
}

func TestAnEntryOfTheRebootQueueIsGivenAsStandardInput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "given")
	c := ckecli(t, `echo "$@" > `+file+`; cat >> `+file)
	if err := c.AddReboot(t.Context(), addresses("10.0.0.1", "10.0.0.2")); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil || !strings.HasSuffix(string(data), "reboot-queue add -\n10.0.0.1\n10.0.0.2\n") {
		t.Errorf("%q, %v", data, err)
	}
	if err := c.AddReboot(t.Context(), nil); err == nil {
		t.Error("an empty entry is added")
	}
}
