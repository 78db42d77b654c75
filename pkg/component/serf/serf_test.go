package serf_test

import (
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component/serf"
)

func TestFiles(t *testing.T) {
	componenttest.Golden(t, serf.Component{}, componenttest.Target())
}

func TestTagsThatSerfCannotCarryAreRefused(t *testing.T) {
	target := componenttest.Target()
	target.Facts.Serial = strings.Repeat("x", 400)
	if _, err := (serf.Component{}).Files(target); err == nil || !strings.Contains(err.Error(), "512") {
		t.Errorf("error %v", err)
	}
}
