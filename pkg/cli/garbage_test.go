package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/cli"
	"github.com/cybozu-go/neco/pkg/status"
	"github.com/cybozu-go/neco/pkg/storage"
)

// garbage is a list of invalid values.
func garbage() map[string]string {
	return map[string]string{
		"text":            "nonsense",
		"cut off":         `{"version":"2024.01.02-3"`,
		"an array":        `[]`,
		"null":            `null`,
		"a wrong type":    `{"version":7,"servers":"0","step":"x","checked_at":1}`,
		"negative":        `{"version":"2024.01.02-3","servers":[-1],"step":-1,"cond":-1,"started_at":"2024-01-02T15:00:00Z","checked_at":-1,"side":"-","success":-1,"pid":"-1"}`,
		"control bytes":   "\x00\x1b[2J\xff",
		"huge":            `{"version":"` + strings.Repeat("9", 100_000) + `","checked_at":0}`,
		"deeply nested":   strings.Repeat("[", 20_000),
		"nothing at all":  "",
		"an empty object": `{"checked_at":"never"}`,
	}
}

// concrete returns examples of the keys that a row in the table of keys describes.
func concrete(spec string) []string {
	if spec == storage.KeyConfig+"<key>" {
		var keys []string
		for _, k := range storage.ConfigKeys() {
			keys = append(keys, storage.KeyConfig+k.Key)
		}
		return keys
	}
	r := strings.NewReplacer("<LRN>", "0", "<lease>", "694d", "<name>", "cke", "<group>", "cke", "<version>", "2024.01.02-3", "<started_at>", "2024-01-02T15:00:00.000000000Z")
	return []string{r.Replace(spec)}
}

// named reports whether neco status has to name key as malformed because of its value.
func named(spec storage.KeySpec, key, value string) bool {
	for _, k := range storage.ConfigKeys() {
		if key != storage.KeyConfig+k.Key {
			continue
		}
		text, err := k.Format(value)
		if err == nil {
			_, err = k.Parse(text)
		}
		return err != nil
	}
	switch key {
	case storage.KeySSHPubKey, storage.KeyTeleportToken, storage.KeyCKEWeight:
		return true
	case storage.KeyRelease:
		return value != "" // an empty value means that there is none
	}
	return spec.Object
}

func TestStatusNamesGarbageInAnyKeyAndChangesNothing(t *testing.T) {
	cluster := startEtcd(t)
	root := t.TempDir()
	for what, value := range garbage() {
		t.Run(what, func(t *testing.T) {
			prefix := fmt.Sprintf("/%x/", what)
			client := newClient(t, cluster, prefix)
			if err := writeConfig(root, cluster, prefix); err != nil {
				t.Fatal(err)
			}
			mustPut(t, client, "info/bootservers/1", "")
			var want []string
			for _, spec := range storage.Keys() {
				for _, key := range concrete(spec.Key) {
					mustPut(t, client, key, value)
					if named(spec, key, value) {
						want = append(want, key)
					}
				}
			}
			before := revision(t, client)
			v := statusOf(t, root)
			if after := revision(t, client); after != before {
				t.Error("neco status wrote to etcd")
			}
			var got []string
			for _, m := range v.Malformed {
				got = append(got, m.Key)
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("named keys (-want +got):\n%s", diff)
			}
			if !slices.ContainsFunc(v.Servers, func(s status.Server) bool { return s.LRN == 1 }) {
				t.Error("the other keys are not shown")
			}
		})
	}
}

// revision returns the revision of etcd.
func revision(t *testing.T, client *clientv3.Client) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), etcdTimeout)
	defer cancel()
	res, err := client.Get(ctx, "revision")
	if err != nil {
		t.Fatal(err)
	}
	return res.Header.Revision
}

// statusOf runs neco status for people and for programs.
func statusOf(t *testing.T, root string) status.View {
	t.Helper()
	env := cli.System(testVersion)
	var table, data, errs bytes.Buffer
	for format, out := range map[string]*bytes.Buffer{"table": &table, "json": &data} {
		args := []string{"--root", root, "status", "-o", format}
		if code := cli.Run(t.Context(), env, args, strings.NewReader(""), out, &errs); code != 0 {
			t.Fatalf("exit code %d: %s", code, &errs)
		}
	}
	if bytes.ContainsAny(table.Bytes(), "\x00\x1b") {
		t.Errorf("control characters in %q", table.String())
	}
	var v status.View
	if err := json.Unmarshal(data.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
