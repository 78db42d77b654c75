package component

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Input is a key of etcd, below Neco's prefix, whose value is used in a component's
// files.
type Input string

// Parameterized is a component whose files depend on values in etcd.
type Parameterized interface {
	Inputs() []Input
}

// ReadInputs returns the values in etcd of the inputs of c, without those that are not
// set. For a component without inputs it does not query etcd.
func ReadInputs(ctx context.Context, etcd clientv3.KV, c Component) (map[Input]string, error) {
	parameterized, ok := c.(Parameterized)
	if !ok {
		return nil, nil
	}
	values := map[Input]string{}
	for _, key := range parameterized.Inputs() {
		res, err := etcd.Get(ctx, string(key))
		if err != nil {
			return nil, fmt.Errorf("read %s, which %s needs: %w", key, c.Name(), err)
		}
		for _, kv := range res.Kvs {
			values[key] = string(kv.Value)
		}
	}
	return values, nil
}
