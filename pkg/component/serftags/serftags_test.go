package serftags_test

import (
	"testing"

	"github.com/cybozu-go/neco/pkg/component/componenttest"
	"github.com/cybozu-go/neco/pkg/component/serftags"
)

func TestFiles(t *testing.T) {
	componenttest.Golden(t, serftags.Component{}, componenttest.Target())
}
