package status

import "strings"

// AddVaults adds to the view why the Vaults of boot servers are not in service. trouble
// maps the LRN (logical rack number) of each server to the reason, or to "" if its
// Vault is in service.
func (v *View) AddVaults(trouble map[int]string) {
	for i, s := range v.Servers {
		if s.Registered {
			v.Servers[i].Vault = clean(trouble[s.LRN])
		}
	}
}

// Registered returns the LRNs of the registered boot servers.
func (v View) Registered() []int {
	var lrns []int
	for _, s := range v.Servers {
		if s.Registered {
			lrns = append(lrns, s.LRN)
		}
	}
	return lrns
}

// vaultProblems returns a problem for each boot server whose Vault is not in service.
func (v View) vaultProblems() []problem {
	var all []problem
	for _, s := range v.Servers {
		if s.Vault != "" {
			text, run, _ := strings.Cut(s.Vault, "; run there: ")
			all = append(all, ofServer(s.LRN, shorten(text), run))
		}
	}
	return all
}
