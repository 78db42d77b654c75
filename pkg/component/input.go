package component

import (
	"context"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Input is an etcd key below Neco's prefix whose value is used in the files of a
// component.
type Input string

// Parameterized is a component whose files depend on values in etcd.
type Parameterized interface {
	Inputs() []Input
}

// ReadInputs reads the inputs of c from etcd and returns their values. It omits inputs
// that are not set. For a component without inputs it does not query etcd.
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
