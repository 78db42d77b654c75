package etcdpasswd_test

import (
	"testing"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component/etcdpasswd"
)

func TestFiles(t *testing.T) {
	componenttest.Golden(t, etcdpasswd.Component{}, componenttest.Target())
}
