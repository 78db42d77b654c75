package steps

import "testing"

func TestEveryActionHasAFunction(t *testing.T) {
	for n, r := range rows() {
		for _, a := range r.acts {
			if a.do == nil {
				t.Errorf("step %d (%s) %s has none", n, r.name, a.Name)
			}
		}
	}
}
