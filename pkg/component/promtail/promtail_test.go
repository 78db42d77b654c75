package promtail_test

import (
	"testing"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component/promtail"
)

func TestFiles(t *testing.T) {
	componenttest.Golden(t, promtail.Component{}, componenttest.Target())
}
