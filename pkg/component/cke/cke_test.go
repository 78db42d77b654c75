package cke_test

import (
	"testing"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component/cke"
)

func TestFiles(t *testing.T) {
	componenttest.Golden(t, cke.Component{}, componenttest.Target())
}
