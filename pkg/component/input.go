package component

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Input is a value in etcd of which a component's files are made, by its key below
// Neco's prefix.
type Input string

// Needy is a component with inputs.
type Needy interface {
	Inputs() []Input
}

// ReadInputs returns what is stored for the inputs of c; one that is not set is missing.
// It asks nobody for a component without inputs.
func ReadInputs(ctx context.Context, etcd clientv3.KV, c Component) (map[Input]string, error) {
	needy, ok := c.(Needy)
	if !ok {
		return nil, nil
	}
	values := map[Input]string{}
	for _, key := range needy.Inputs() {
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
