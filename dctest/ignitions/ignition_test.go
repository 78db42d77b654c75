package ignitions_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/coreos/ignition/config/v2_3/types"

	"github.com/cybozu-go/neco/dctest/ignitions/apply"
	"github.com/cybozu-go/neco/dctest/images/tools/standin/inventory"
)

// parse returns the Ignition configuration of a machine.
func parse(t *testing.T, m inventory.Machine, meta map[string]any) types.Config {
	t.Helper()
	return parseData(t, rendered(t, m, meta))
}

func parseData(t *testing.T, data []byte) types.Config {
	t.Helper()
	config, err := apply.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestIgnitionAcceptsEveryTemplate(t *testing.T) {
	none := map[string]any{"authorized_key": "", "proxy_url": "", "external_ip_address_block": "", "boot_servers": []any{"10.69.0.3"}}
	for name, c := range map[string]struct {
		rack    uint
		changes map[string]any
	}{
		"rack 0":                   {0, nil},
		"rack 1":                   {1, nil},
		"rack 5":                   {5, nil},
		"without a key":            {1, map[string]any{"authorized_key": ""}},
		"without a proxy":          {1, map[string]any{"proxy_url": ""}},
		"without external block":   {1, map[string]any{"external_ip_address_block": ""}},
		"a site without any value": {70, none},
	} {
		for _, role := range roles(t) {
			t.Run(role+" "+name, func(t *testing.T) {
				t.Parallel()
				parse(t, machine(t, role, c.rack, 5), metadata(c.changes))
			})
		}
	}
}

// TestNodesOfAllProductsGetTheSame because a node finds out itself whether it is a VM and
// which disks it has.
func TestNodesOfAllProductsGetTheSame(t *testing.T) {
	for _, role := range roles(t) {
		m := machine(t, role, 1, 4)
		want := rendered(t, m, metadata(nil))
		for product, labels := range map[string]map[string]string{
			"Dell with NVMe": {"machine-type": "r6525-cs-1", "product": "R6525", "datacenter": "dc1"},
			"Dell with BOSS": {"machine-type": "r740xd-ss-2", "product": "R740xd", "datacenter": "dc1"},
			"no labels":      nil,
		} {
			m.Spec.Labels, m.Spec.BMC.Type = labels, "iDRAC-9"
			if !bytes.Equal(rendered(t, m, metadata(nil)), want) {
				t.Errorf("%s, %s: another configuration than a VM", role, product)
			}
		}
	}
}

// TestAMissingValueIsNamed because sabakan refuses the upload then.
func TestAMissingValueIsNamed(t *testing.T) {
	for _, key := range []string{"authorized_key", "proxy_url", "external_ip_address_block", "boot_servers", "version", "bird.ref", "cke:pause.ref", "setup-hw.img"} {
		meta := metadata(nil)
		delete(meta, key)
		_, err := upload(t, "cs", meta).Render(myURL, machine(t, "cs", 1, 4))
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

// TestEveryUploadedImageIsUsed checks that a template loads each image that is uploaded.
func TestEveryUploadedImageIsUsed(t *testing.T) {
	for key := range metadata(nil) {
		meta := metadata(nil)
		delete(meta, key)
		if _, err := upload(t, "boot", meta).Render(myURL, machine(t, "boot", 1, 3)); err == nil {
			t.Errorf("%s is not used", key)
		}
	}
}

func TestTheUserOfNodes(t *testing.T) {
	user := parse(t, machine(t, "ss", 0, 5), metadata(nil)).Passwd.Users[0]
	if user.Name != "cybozu" || fmt.Sprint(user.Groups) != "[sudo docker]" || fmt.Sprint(user.SSHAuthorizedKeys) != "[ssh-rsa AAAAB3NzaC1yc2E= neco]" {
		t.Errorf("%+v", user)
	}
}

func TestTheSystemUpdatesOfFlatcarAreMasked(t *testing.T) {
	var masked []string
	for _, u := range parse(t, machine(t, "boot", 0, 3), metadata(nil)).Systemd.Units {
		if u.Mask {
			masked = append(masked, u.Name)
		}
	}
	want := "update-engine.service locksmithd.service update-engine-stub.timer ntpd.service systemd-resolved.service systemd-timesyncd.service tcsd.service"
	if got := strings.Join(masked, " "); got != want {
		t.Errorf("masked %s", got)
	}
}
