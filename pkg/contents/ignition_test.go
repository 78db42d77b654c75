package contents_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/inventory"
	"github.com/cybozu-go/neco/dctest/sabakantest"
	"github.com/cybozu-go/neco/dctest/standintest"
	"github.com/cybozu-go/neco/internal/packagefault"
	"github.com/cybozu-go/neco/pkg/contents"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/retry"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

// site is the source of a template that uses all kinds of metadata.
const site = `version: "2.3"
files:
  - /etc/neco/version
`

const text = `{{ Metadata "version" }} {{ Metadata "bird.ref" }} {{ Metadata "cke:pause.img" }} {{ index (Metadata "boot_servers") 0 }} {{ Metadata "proxy_url" }}`

// withTemplates returns an uploader of a host with ckecli and the templates of the roles cs
// and ss.
func withTemplates(t *testing.T) (contents.Uploader, *sabakan.Client) {
	t.Helper()
	return withTemplatesAt(t, sabakantest.Start(t))
}

// withTemplatesAt does the same with the sabakan at url.
func withTemplatesAt(t *testing.T, url string) (contents.Uploader, *sabakan.Client) {
	t.Helper()
	fsys := host.FS{Root: t.TempDir()}
	standintest.Ckecli(t, fsys)
	for _, role := range []string{"cs", "ss"} {
		dir := filepath.Join(neco.IgnitionDirectory, "roles", role)
		put(t, fsys, filepath.Join(dir, "site.yml"), site)
		put(t, fsys, filepath.Join(dir, "files/etc/neco/version"), text+role)
	}
	c := sabakan.New(url)
	t.Cleanup(c.Close)
	return contents.Uploader{FS: fsys, Artifacts: neco.CurrentArtifacts, Sabakan: c}, c
}

func put(t *testing.T, fsys host.FS, path, text string) {
	t.Helper()
	if _, err := fsys.Write(host.File{Path: path, Data: []byte(text), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
}

func register(t *testing.T, c *sabakan.Client, racks ...int) {
	t.Helper()
	var specs []sabakan.Spec
	for _, rack := range racks {
		specs = append(specs, sabakan.Spec{
			Serial: "boot" + string(rune('0'+rack)), Rack: rack, Role: "boot", Retires: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), BMC: sabakan.BMC{Type: "IPMI-2.0"},
		})
	}
	if err := c.CreateMachines(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
}

func prepare(t *testing.T, c *sabakan.Client) {
	t.Helper()
	if err := c.PutIPAM(t.Context(), []byte(inventory.IPAM)); err != nil {
		t.Fatal(err)
	}
	register(t, c, 0, 1, 2)
	putBMCUser(t, c)
}

// putBMCUser uploads the users of the nodes' BMCs, as an operator does.
func putBMCUser(t *testing.T, c *sabakan.Client) {
	t.Helper()
	const users = `{"root": {}}`
	open := func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(users)), nil }
	if err := c.PutAsset(t.Context(), "bmc-user.json", sabakan.Content{Open: open, Size: int64(len(users))}); err != nil {
		t.Fatal(err)
	}
}

func TestWhatATemplateNeedsFirstIsNamed(t *testing.T) {
	u, c := withTemplates(t)
	v := contents.Values{Version: "2026.11.21-1", Servers: []int{0, 1, 2}}
	expect := func(want string) {
		t.Helper()
		var events []contents.Event
		u.Observe = func(e contents.Event) { events = append(events, e) }
		note, err := u.Ignitions(t.Context(), v)
		if err != nil || !strings.Contains(note, want) {
			t.Errorf("note %q, error %v; want %q", note, err, want)
		}
		if len(events) != 1 || events[0].State != contents.NotPrepared || !strings.HasPrefix(note, events[0].Reason+": "+events[0].Command+", then ") {
			t.Errorf("events %+v, note %q", events, note)
		}
		if ids, err := c.Ignitions(t.Context(), "cs"); len(ids) > 0 || err != nil {
			t.Errorf("templates %q, %v", ids, err)
		}
	}
	expect("sabactl ipam set")
	if err := c.PutIPAM(t.Context(), []byte(inventory.IPAM)); err != nil {
		t.Fatal(err)
	}
	register(t, c, 1)
	expect("no machine of boot server 0, 2: sabactl machines create")
}

func TestWhatNodesLackIsNamedAndTheirTemplatesAreUploaded(t *testing.T) {
	u, c := withTemplates(t)
	if err := c.PutIPAM(t.Context(), []byte(inventory.IPAM)); err != nil {
		t.Fatal(err)
	}
	register(t, c, 0)
	v := contents.Values{Version: "2026.11.21-1", Servers: []int{0}}
	const (
		key   = "there is no SSH key for nodes, so that nobody can log in to them"
		users = "sabakan has no asset bmc-user.json, so that nodes do not get the users of their BMC"
	)
	expect := func(note string, ids []string, want ...contents.Event) {
		t.Helper()
		var missing []contents.Event
		u.Observe = func(e contents.Event) {
			if e.State == contents.NotPrepared {
				missing = append(missing, e)
			}
		}
		if got, err := u.Ignitions(t.Context(), v); got != note || err != nil {
			t.Errorf("note %q, error %v; want %q", got, err, note)
		}
		if diff := cmp.Diff(want, missing); diff != "" {
			t.Errorf("missing (-want +got):\n%s", diff)
		}
		if got, err := c.Ignitions(t.Context(), "cs"); !slices.Equal(got, ids) || err != nil {
			t.Errorf("templates %q, %v; want %q", got, err, ids)
		}
	}
	noKey := contents.Event{Name: "SSH key of nodes", State: contents.NotPrepared, Reason: key, Command: "neco ssh generate"}
	noUsers := contents.Event{Name: "bmc-user.json", State: contents.NotPrepared, Reason: users, Command: "neco bmc config set bmc-user FILE"}
	noteOfKey, noteOfUsers := key+": neco ssh generate, then neco init-data --ignitions-only", users+": neco bmc config set bmc-user FILE"
	expect(noteOfKey+"; "+noteOfUsers, []string{"2026.11.21-1"}, noKey, noUsers)
	v.SSHKey = "ssh-rsa AAAA"
	expect(noteOfUsers, []string{"2026.11.21-1", "2026.11.21-1.1"}, noUsers)
	v.SSHKey = ""
	putBMCUser(t, c)
	expect(noteOfKey, []string{"2026.11.21-1", "2026.11.21-1.1", "2026.11.21-1.2"}, noKey)
	v.SSHKey = "ssh-rsa AAAA"
	expect("", []string{"2026.11.21-1", "2026.11.21-1.1", "2026.11.21-1.2", "2026.11.21-1.3"})
}

func TestATemplateIsUploadedOnlyIfItChanges(t *testing.T) {
	u, c := withTemplates(t)
	prepare(t, c)
	v := contents.Values{Version: "2026.11.21-1", Servers: []int{0, 1, 2}, SSHKey: "ssh-rsa AAAA", Proxy: "http://10.0.0.1:3128"}
	var cs, ss []string
	upload := func(role string, ids ...string) {
		t.Helper()
		if note, err := u.Ignitions(t.Context(), v); note != "" || err != nil {
			t.Fatalf("note %q, error %v", note, err)
		}
		if cs = append(cs, ids...); role == "" {
			ss = append(ss, ids...)
		}
		for role, want := range map[string][]string{"cs": cs, "ss": ss} {
			if got, err := c.Ignitions(t.Context(), role); !slices.Equal(got, want) || err != nil {
				t.Errorf("templates of %s: %q, %v; want %q", role, got, err, want)
			}
		}
	}
	upload("", "2026.11.21-1")
	upload("")
	v.Servers = []int{0, 1} // a server has left
	upload("", "2026.11.21-1.1")
	v.Proxy = ""
	upload("", "2026.11.21-1.2")
	upload("")
	put(t, u.FS, filepath.Join(neco.IgnitionDirectory, "roles/cs/files/etc/neco/version"), text)
	upload("cs", "2026.11.21-1.3")
	v.Version = "2026.11.21-2"
	upload("", "2026.11.21-2")
	upload("")

	got, err := c.Ignition(t.Context(), "cs", "2026.11.21-2")
	if err != nil {
		t.Fatal(err)
	}
	bird, err := neco.CurrentArtifacts.FindContainerImage("bird")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"version": "2026.11.21-2", "proxy_url": "", "external_ip_address_block": "", "authorized_key": "ssh-rsa AAAA",
		"bird.ref": bird.FullName(false), "bird.img": "cybozu-bird-" + bird.Tag + ".img",
	} {
		if got.Meta[key] != want {
			t.Errorf("%s is %v, want %v", key, got.Meta[key], want)
		}
	}
}

func TestAnOlderReleaseSaysThatMachinesBootWithANewerTemplate(t *testing.T) {
	u, c := withTemplates(t)
	prepare(t, c)
	v := contents.Values{Version: "2026.11.21-2", Servers: []int{0}, SSHKey: "ssh-rsa AAAA"}
	if note, err := u.Ignitions(t.Context(), v); note != "" || err != nil {
		t.Fatalf("note %q, error %v", note, err)
	}
	v.Version = "2026.11.21-1"
	for range 2 {
		note, err := u.Ignitions(t.Context(), v)
		if err != nil || !strings.Contains(note, "role cs boot with the template 2026.11.21-2") {
			t.Errorf("note %q, error %v", note, err)
		}
		if ids, err := c.Ignitions(t.Context(), "ss"); !slices.Equal(ids, []string{"2026.11.21-1", "2026.11.21-2"}) || err != nil {
			t.Errorf("templates %q, %v", ids, err)
		}
	}
}

func TestAMalformedTemplateIsNamed(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text, want string
	}{
		"no file":            {"site.yml", "version: \"2.3\"\nfiles:\n  - /etc/absent\n", "site.yml:3"},
		"no YAML":            {"site.yml", "version: [", "site.yml"},
		"unknown metadata":   {"files/etc/neco/version", `{{ Metadata "absent" }}`, "absent"},
		"a broken template":  {"files/etc/neco/version", `{{ if }}`, "neco/version"},
		"an unknown version": {"site.yml", "version: \"3.0\"\n", "3.0"},
	} {
		t.Run(name, func(t *testing.T) {
			u, c := withTemplates(t)
			prepare(t, c)
			put(t, u.FS, filepath.Join(neco.IgnitionDirectory, "roles/cs", tt.file), tt.text)
			_, err := u.Ignitions(t.Context(), contents.Values{Version: "2026.11.21-1", Servers: []int{0}})
			if err == nil || retry.MayPass(err) || !packagefault.Is(err) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v; want a final error, caused by the package, with %q", err, tt.want)
			}
			if ids, err := c.Ignitions(t.Context(), "cs"); len(ids) > 0 || err != nil {
				t.Errorf("templates %q, %v", ids, err)
			}
		})
	}
}

func TestATemplateThatTheDiskDoesNotReadIsNoFaultOfThePackage(t *testing.T) {
	u, c := withTemplates(t)
	prepare(t, c)
	file := u.FS.Path(filepath.Join(neco.IgnitionDirectory, "roles/cs/files/etc/neco/version"))
	if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o755)); err != nil {
		t.Fatal(err)
	}
	_, err := u.Ignitions(t.Context(), contents.Values{Version: "2026.11.21-1", Servers: []int{0}})
	if err == nil || retry.MayPass(err) || packagefault.Is(err) {
		t.Errorf("error %v; want a final error that the package has not caused", err)
	}
}

func TestAPackageWithoutTemplatesIsNamed(t *testing.T) {
	u, c := withTemplates(t)
	prepare(t, c)
	if err := os.RemoveAll(u.FS.Path(neco.IgnitionDirectory)); err != nil {
		t.Fatal(err)
	}
	_, err := u.Ignitions(t.Context(), contents.Values{Version: "2026.11.21-1", Servers: []int{0}})
	if !packagefault.Is(err) || !strings.Contains(err.Error(), neco.IgnitionDirectory) || errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
