package sabakan_test

import (
	"testing"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component/sabakan"
)

func TestFiles(t *testing.T) {
	componenttest.Golden(t, sabakan.Component{}, componenttest.Target())
}
