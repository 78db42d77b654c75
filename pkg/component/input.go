package component

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Input is the key, below Neco's prefix, of a value in etcd from which a component's
// files are made.
type Input string

// Parameterized is a component whose files depend on values in etcd.
type Parameterized interface {
	Inputs() []Input
}

// ReadInputs returns the stored values of the inputs of c, without those that are not
// set. It does not query etcd for a component without inputs.
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
