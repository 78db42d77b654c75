package cli

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/pkg/sabakan"
)

// queryHelp explains the flags that select machines.
const queryHelp = `The flags select machines by what sabakan knows; several values are separated by
commas. A machine must match all of them, and none of those that begin with
--without. Without any, all machines are selected.`

// querySettings returns the properties of machines by which commands select them, and what they
// are.
func querySettings() [][2]string {
	return [][2]string{
		{"serial", "serial numbers"}, {"rack", "numbers of racks"}, {"role", "roles"}, {"labels", "labels, as NAME=VALUE"},
		{"ipv4", "IPv4 addresses"}, {"ipv6", "IPv6 addresses"}, {"bmc-type", "types of BMCs"}, {"state", "states"},
	}
}

// machineQuery are the flags that select machines.
type machineQuery struct {
	with, without map[string]*string
}

func (q *machineQuery) register(cmd *cobra.Command) {
	q.with, q.without = map[string]*string{}, map[string]*string{}
	for _, s := range querySettings() {
		name, what := s[0], s[1]
		q.with[name] = cmd.Flags().String(name, "", "`"+strings.ToUpper(name)+"`: only machines with these "+what)
		q.without[name] = cmd.Flags().String("without-"+name, "", "`"+strings.ToUpper(name)+"`: only machines without these "+what)
	}
}

// values returns the query for sabakan.
func (q *machineQuery) values() (url.Values, error) {
	v := url.Values{}
	for _, s := range querySettings() {
		name := s[0]
		with, without := *q.with[name], *q.without[name]
		if with != "" && without != "" {
			return nil, hint(fmt.Errorf("--%s and --without-%s exclude each other", name, name), "sabakan takes only one of them")
		}
		if with != "" {
			v.Set(name, with)
		}
		if without != "" {
			v.Set("without-"+name, without)
		}
	}
	return v, nil
}

// find returns the selected machines in the order of racks and of addresses.
func (q *machineQuery) find(ctx context.Context, env *Env) ([]sabakan.Machine, error) {
	v, err := q.values()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, sabakanTimeout, fmt.Errorf("sabakan does not answer within %s", sabakanTimeout))
	defer cancel()
	c := sabakan.New(env.Sabakan)
	defer c.Close()
	all, err := c.Machines(ctx, v)
	if err != nil {
		return nil, hint(err, sabakanHint)
	}
	slices.SortStableFunc(all, func(a, b sabakan.Machine) int {
		if a.Spec.Rack != b.Spec.Rack {
			return a.Spec.Rack - b.Spec.Rack
		}
		return a.Spec.IndexInRack - b.Spec.IndexInRack
	})
	return all, nil
}
