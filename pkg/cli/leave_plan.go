package cli

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/cybozu-go/neco/pkg/membership"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/vault"
)

// departurePlan describes what changes when a boot server leaves the data centre.
type departurePlan struct {
	lrn        int
	registered []int
	members    membership.Cluster
	// managed means that Neco manages etcd and Vault, so that the server loses its
	// permissions there.
	managed bool
	// own means that the command runs on the server that leaves.
	own bool
}

// readPlan reads from etcd what changes when the boot server lrn leaves.
func readPlan(ctx context.Context, s *storage.Storage, lrn int, managed bool) (departurePlan, error) {
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return departurePlan{}, err
	}
	members, err := membership.Query(ctx, s.Client())
	return departurePlan{lrn: lrn, registered: snap.Registered, members: members, managed: managed}, err
}

// print lists what the departure changes and which boot servers remain.
func (p departurePlan) print(w io.Writer) {
	fmt.Fprintln(w, "This will")
	fmt.Fprintf(w, "  take boot server %d out of the data centre; %s\n", p.lrn, remain(p.others()))
	if p.own {
		fmt.Fprintln(w, "  end all updates of this server: it is the one on which you run the command")
	}
	fmt.Fprintf(w, "  %s\n", p.quorum())
	fmt.Fprintln(w, "  delete its registration, its status and the record of what is installed there")
	if p.managed {
		fmt.Fprintln(w, "  delete its users of etcd, its approle in Vault and its host key: its certificates are refused at once")
		fmt.Fprintln(w, "  replace Vault's unseal key, which it knows, and revoke a root token that setup kept")
	}
}

// others returns the LRNs of the boot servers that remain.
func (p departurePlan) others() []int {
	return slices.DeleteFunc(slices.Clone(p.registered), func(n int) bool { return n == p.lrn })
}

// quorum returns a line with the number of voting members that etcd has after the
// departure, and how many of them may fail.
func (p departurePlan) quorum() string {
	if !p.managed {
		return "leave the members of etcd as they are: Neco does not manage etcd here"
	}
	before, after := p.members.Voters(), p.members.Without(vault.BootRole(p.lrn)).Voters()
	if before == after {
		return fmt.Sprintf("keep the voting members of etcd, %d: none of them is on boot server %d", before, p.lrn)
	}
	majority := after/2 + 1
	return fmt.Sprintf("remove its voting member from etcd in the next run: %d stay, %d of them must run, %d may fail",
		after, majority, max(0, after-majority))
}
