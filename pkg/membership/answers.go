package membership

import (
	"context"
	"strings"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/status"
)

// Answers returns nil if an etcd member answers at endpoint, even if the answer refuses
// the request or reports that there is no leader. Unlike etcd's own client, Answers
// does not retry a failed connection, so its error contains the cause.
func Answers(ctx context.Context, c *clientv3.Client, endpoint string) error {
	conn, err := c.Dial(endpoint)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = etcdserverpb.NewMaintenanceClient(conn).Status(ctx, &etcdserverpb.StatusRequest{})
	if err != nil && strings.HasPrefix(status.Convert(err).Message(), "etcdserver: ") {
		return nil
	}
	return err
}
