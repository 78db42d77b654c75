package main

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/host"
)

func TestEtcdAndVaultAreStartedIfTheyAreDown(t *testing.T) {
	both := []string{neco.EtcdService, neco.VaultService}
	for title, tt := range map[string]struct {
		installed, run []string
		journal        string
		want           []string
	}{
		"a bare server":                       {nil, nil, "", nil},
		"both are down":                       {both, nil, "", []string{"start etcd-container", "start vault"}},
		"both run":                            {both, both, "", nil},
		"Vault is down":                       {both, both[:1], "", []string{"start vault"}},
		"an update has stopped Vault":         {both, nil, `[{"Group": "vault"}]`, []string{"start etcd-container"}},
		"an update has stopped something":     {both, nil, `[{"Group": "cke"}]`, []string{"start etcd-container", "start vault"}},
		"the journal is malformed":            {both, nil, `[`, nil},
		"Vault is not installed on this host": {both[:1], nil, "", []string{"start etcd-container"}},
	} {
		t.Run(title, func(t *testing.T) {
			units, h := componenttest.New(t)
			files := map[string]string{}
			for _, name := range tt.installed {
				files[neco.ServiceFile(name)] = "[Service]\n"
			}
			if tt.journal != "" {
				files["/var/lib/neco/stopped.json"] = tt.journal
			}
			for path, text := range files {
				if _, err := h.FS.Write(host.File{Path: path, Data: []byte(text), Mode: 0o644}); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range tt.run {
				if err := units.Start(t.Context(), name); err != nil {
					t.Fatal(err)
				}
			}
			units.Did()
			startDown(t.Context(), h.FS, units, slog.New(slog.DiscardHandler))
			if did := units.Did(); !slices.Equal(did, tt.want) {
				t.Errorf("did %q, want %q", did, tt.want)
			}
		})
	}
}
