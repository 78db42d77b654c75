package setuphw_test

import (
	"testing"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component/setuphw"
)

func TestFiles(t *testing.T) {
	componenttest.Golden(t, setuphw.Component{}, componenttest.Target())
}
