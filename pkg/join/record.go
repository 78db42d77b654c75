package join

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cybozu-go/neco/pkg/storage"
)

// Record describes a join token without its secret. It is stored in etcd. A boot server
// has at most one record: a newer token replaces it.
type Record struct {
	LRN      int       `json:"lrn"`
	HostName string    `json:"host_name"`
	Accessor string    `json:"accessor"`
	Expires  time.Time `json:"expires"`
	// By is the name of the operator who issued the token.
	By string `json:"by"`
}

func recordKey(lrn int) string { return storage.KeyJoinTokens + strconv.Itoa(lrn) }

// records returns the records of all tokens, sorted by LRN. It skips malformed records.
func records(ctx context.Context, etcd clientv3.KV) ([]Record, error) {
	res, err := etcd.Get(ctx, storage.KeyJoinTokens, clientv3.WithPrefix())
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", storage.KeyJoinTokens, err)
	}
	var all []Record
	for _, kv := range res.Kvs {
		var r Record
		text := strings.TrimPrefix(string(kv.Key), storage.KeyJoinTokens)
		if json.Unmarshal(kv.Value, &r) == nil && strconv.Itoa(r.LRN) == text {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b Record) int { return a.LRN - b.LRN })
	return all, nil
}

func putRecord(ctx context.Context, etcd clientv3.KV, r Record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if _, err := etcd.Put(ctx, recordKey(r.LRN), string(data)); err != nil {
		return fmt.Errorf("record the join token: %w", err)
	}
	return nil
}

func removeRecord(ctx context.Context, etcd clientv3.KV, lrn int) error {
	if _, err := etcd.Delete(ctx, recordKey(lrn)); err != nil {
		return fmt.Errorf("delete %s: %w", recordKey(lrn), err)
	}
	return nil
}
