package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/pkg/membership"
)

// clusterOf returns the cluster of etcd whose members run on the servers lrns.
func clusterOf(lrns ...int) membership.Cluster {
	var c membership.Cluster
	for _, lrn := range lrns {
		c = append(c, membership.Member{Name: fmt.Sprint("boot-", lrn), PeerURL: fmt.Sprint("https://10.0.0.", lrn, ":2380")})
	}
	return c
}

func TestAPlanOfDepartureNamesTheMajorityAfterIt(t *testing.T) {
	learner := clusterOf(0, 1, 2)
	learner[2].Learner = true
	for name, c := range map[string]struct {
		members membership.Cluster
		want    string
	}{
		"five to four":  {clusterOf(0, 1, 2, 3, 4), "remove its voting member from etcd in the next run: 4 stay, 3 of them must run, 1 may fail"},
		"three to two":  {clusterOf(0, 1, 2), "remove its voting member from etcd in the next run: 2 stay, 2 of them must run, 0 may fail"},
		"two to one":    {clusterOf(1, 2), "remove its voting member from etcd in the next run: 1 stay, 1 of them must run, 0 may fail"},
		"a learner":     {learner, "keep the voting members of etcd, 2: none of them is on boot server 2"},
		"not a member":  {clusterOf(0, 1, 3), "keep the voting members of etcd, 3"},
		"10 is not 2's": {clusterOf(0, 1, 20), "none of them is on boot server 2"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			departurePlan{lrn: 2, registered: []int{0, 1, 2}, members: c.members, managed: true}.print(&out)
			for _, want := range []string{c.want, "boot servers 0, 1 remain", "its users of etcd, its approle in Vault and its host key", "Vault's unseal key"} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is absent from\n%s", want, &out)
				}
			}
		})
	}
}
