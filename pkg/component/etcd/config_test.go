package etcd_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/etcd/server/v3/embed"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component/etcd"
)

func TestEtcdReadsItsConfiguration(t *testing.T) {
	files, err := etcd.Component{State: etcd.StateNew}.Files(componenttest.Target())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "etcd.conf.yml")
	if err := os.WriteFile(path, files[0].Data, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := embed.ConfigFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !c.EnablePprof || c.EnableGRPCGateway || c.ClusterState != "new" || c.Name != "boot-1" || c.AutoCompactionRetention != "24" {
		t.Errorf("%+v", c)
	}
}
