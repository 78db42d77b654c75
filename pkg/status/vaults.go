package status

import "strings"

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

// vaultProblems are the Vaults that do not serve.
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
