package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cybozu-go/neco/dctest/sandbox/etcd"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/storage"
)

// TestAReissueAsksWhereEtcdAnswers: the certificates of a healthy data centre must not be
// replaced by accident. While etcd is down, the command does not ask.
func TestAReissueAsksWhereEtcdAnswers(t *testing.T) {
	cluster, err := etcd.Start(t.Context(), etcd.Options{Dir: t.TempDir(), Members: 1, NoFsync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	down := func(host.FS) (*storage.Storage, error) { return nil, errors.New("expired") }
	up := func(host.FS) (*storage.Storage, error) {
		client, err := cluster.Client("/reissue/")
		return storage.New(client), err
	}
	for name, c := range map[string]struct {
		etcd   func(host.FS) (*storage.Storage, error)
		agreed bool
		want   error
	}{
		"etcd answers":            {up, false, errNoTerminal},
		"etcd answers, and --yes": {up, true, nil},
		"etcd is down":            {down, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := &cobra.Command{}
			cmd.SetIn(strings.NewReader("yes\n"))
			cmd.SetOut(io.Discard)
			err := needsReissue(context.Background(), cmd, &Env{Etcd: c.etcd, MemberTimeout: 10 * memberTimeout}, consent{c.agreed})
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}
