package sabakan_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/dctest/inventory"
	"github.com/cybozu-go/neco/dctest/sabakantest"
	"github.com/cybozu-go/neco/pkg/sabakan"
)

const ignitions = "../../ignitions"

// nodeConfig is what the tests read of a template.
type nodeConfig struct {
	Storage struct {
		Files []struct {
			Path string
			Mode os.FileMode
		}
	}
	Systemd  struct{ Units []nodeUnit }
	Networkd struct{ Units []nodeUnit }
}

type nodeUnit struct {
	Name     string
	Enabled  bool
	Mask     bool
	Contents string
}

// nodeTemplates returns the templates of all roles.
func nodeTemplates(t *testing.T) map[string]sabakan.Template {
	t.Helper()
	all := map[string]sabakan.Template{}
	sites, err := filepath.Glob(ignitions + "/roles/*/site.yml")
	must(t, err)
	for _, site := range sites {
		template, err := sabakan.LoadIgnition(site)
		must(t, err)
		all[filepath.Base(filepath.Dir(site))] = template
	}
	if len(all) != 3 {
		t.Fatalf("%d roles", len(all))
	}
	return all
}

func nodeConfigs(t *testing.T) map[string]nodeConfig {
	t.Helper()
	all := map[string]nodeConfig{}
	for role, template := range nodeTemplates(t) {
		var c nodeConfig
		must(t, json.Unmarshal(template.Template, &c))
		all[role] = c
	}
	return all
}

// TestSabakanTakesTheTemplatesOfNodes uploads them with the metadata that the contract with
// sabakan names.
func TestSabakanTakesTheTemplatesOfNodes(t *testing.T) {
	c := open(t, sabakantest.Start(t))
	must(t, c.PutIPAM(t.Context(), json.RawMessage(inventory.IPAM)))
	meta := map[string]any{"version": "1", "boot_servers": []string{"10.69.0.3"}, "authorized_key": "", "proxy_url": "", "external_ip_address_block": ""}
	names := slices.Clone(neco.SabakanImages)
	for _, name := range []string{"etcd", "cke-tools", "kubernetes", "pause", "coredns", "unbound", "unbound_exporter"} {
		names = append(names, "cke:"+name)
	}
	for _, name := range names {
		meta[name+".ref"], meta[name+".img"] = "quay.io/cybozu/x:1", "cybozu-x-1.img"
	}
	for role, template := range nodeTemplates(t) {
		template.Meta = meta
		if err := c.PutIgnition(t.Context(), role, "2026.11.29-1", template); err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// TestEveryFileOfNodesIsInATemplate because a file that no source file names is not on any
// node.
func TestEveryFileOfNodesIsInATemplate(t *testing.T) {
	var known []string
	for _, c := range nodeConfigs(t) {
		for _, f := range c.Storage.Files {
			known = append(known, "files"+f.Path)
		}
		for _, u := range c.Systemd.Units {
			known = append(known, "systemd/"+u.Name)
		}
		for _, u := range c.Networkd.Units {
			known = append(known, "networkd/"+u.Name)
		}
	}
	below := regexp.MustCompile(`/((files|systemd|networkd)/.*)$`)
	must(t, filepath.WalkDir(ignitions, func(path string, d fs.DirEntry, err error) error {
		if m := below.FindStringSubmatch(path); err == nil && !d.IsDir() && (m == nil || !slices.Contains(known, m[1])) &&
			!strings.HasSuffix(path, ".yml") {
			t.Errorf("%s is in no template", path)
		}
		return err
	}))
}

func TestOnlyScriptsOfNodesAreExecutable(t *testing.T) {
	for role, c := range nodeConfigs(t) {
		for _, f := range c.Storage.Files {
			if script := strings.HasPrefix(f.Path, "/opt/sbin/"); script != (f.Mode&0o111 != 0) {
				t.Errorf("%s: %s has the mode %o", role, f.Path, f.Mode)
			}
		}
	}
}

// foreign returns the units of systemd and Flatcar to which units of nodes refer.
func foreign() []string {
	return strings.Fields("basic.target local-fs.target multi-user.target network-online.target shutdown.target time-sync.target timers.target " +
		"docker.socket systemd-networkd.service systemd-sysctl.service systemd-udevd.service torcx.target")
}

// TestUnitsOfNodesReferToEachOther: systemd ignores a name in Wants or After that no unit has.
func TestUnitsOfNodesReferToEachOther(t *testing.T) {
	reference := regexp.MustCompile(`(?m)^(?:Wants|Requires|After|Before|WantedBy|Conflicts)=(.*)$`)
	for role, c := range nodeConfigs(t) {
		known := foreign()
		for _, u := range c.Systemd.Units {
			if !u.Mask {
				known = append(known, u.Name)
			}
		}
		for _, u := range c.Systemd.Units {
			for _, m := range reference.FindAllStringSubmatch(u.Contents, -1) {
				for name := range strings.FieldsSeq(m[1]) {
					if !slices.Contains(known, name) {
						t.Errorf("%s: %s refers to %s, which does not exist", role, u.Name, name)
					}
				}
			}
		}
	}
}

// TestAUnitOfNodesIsEnabledOrHasATimer because otherwise nothing starts it.
func TestAUnitOfNodesIsEnabledOrHasATimer(t *testing.T) {
	for role, c := range nodeConfigs(t) {
		timers := map[string]bool{}
		for _, u := range c.Systemd.Units {
			if name, isTimer := strings.CutSuffix(u.Name, ".timer"); isTimer && !u.Mask {
				timers[name+".service"] = true
			}
		}
		for _, u := range c.Systemd.Units {
			installed := strings.Contains(u.Contents, "\n[Install]\n")
			if !u.Mask && (u.Enabled != installed || u.Enabled == timers[u.Name]) {
				t.Errorf("%s: %s: enabled %v, section Install %v, timer %v", role, u.Name, u.Enabled, installed, timers[u.Name])
			}
		}
	}
}

// TestThePackageContainsTheTemplatesOfNodes where Neco reads them.
func TestThePackageContainsTheTemplatesOfNodes(t *testing.T) {
	data, err := os.ReadFile("../../debian/build")
	must(t, err)
	if !strings.Contains(string(data), "\n    cp -R ignitions \"$1/usr/share/neco/\"\n") {
		t.Error("they are not in the package")
	}
}
