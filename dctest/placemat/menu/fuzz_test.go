package menu

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// FuzzMenu checks that any input is either refused by Load or gives a data centre.
func FuzzMenu(f *testing.F) {
	good, err := os.ReadFile("testdata/menu.yml")
	if err != nil {
		f.Fatal(err)
	}
	ipam, err := loadIPAM("testdata/ipam.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("---\n# nothing\n---\nkind: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parse(data)
		if err != nil {
			return
		}
		m.IPAM = ipam
		if m.Check() != nil {
			return
		}
		if c, err := m.Cluster(); err == nil && len(c.Of("boot")) != len(m.Inventory.Racks) {
			t.Errorf("%d racks, %d boot servers", len(m.Inventory.Racks), len(c.Of("boot")))
		}
	})
}

func FuzzIPAM(f *testing.F) {
	good, err := os.ReadFile("testdata/ipam.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	m, err := Load("testdata/menu.yml")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(t.TempDir(), "ipam.json")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		ipam, err := loadIPAM(name)
		if err != nil {
			return
		}
		if _, err := json.Marshal(ipam); err != nil {
			t.Error(err)
		}
		other := *m
		other.IPAM = ipam
		if other.Check() != nil {
			return
		}
		if _, err := other.Cluster(); err != nil {
			t.Errorf("checked, and then: %v", err)
		}
	})
}
