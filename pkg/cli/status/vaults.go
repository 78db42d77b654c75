package status

import "fmt"

// AddVaults adds why the Vaults of boot servers do not serve, by LRN; empty: it
// serves.
func (v *View) AddVaults(trouble map[int]string) {
	for i, s := range v.Servers {
		if s.Registered {
			v.Servers[i].Vault = clean(trouble[s.LRN])
		}
	}
}

// Registered are the LRNs of the registered boot servers.
func (v View) Registered() []int {
	var lrns []int
	for _, s := range v.Servers {
		if s.Registered {
			lrns = append(lrns, s.LRN)
		}
	}
	return lrns
}

// vaultWarnings are lines for people.
func (v View) vaultWarnings() []string {
	var lines []string
	for _, s := range v.Servers {
		if s.Vault != "" {
			lines = append(lines, fmt.Sprintf("boot server %d: %s", s.LRN, shorten(s.Vault)))
		}
	}
	return lines
}
