package teleport_test

import (
	"testing"

	"github.com/cybozu-go/neco/dctest/componenttest"
	"github.com/cybozu-go/neco/pkg/component"
	"github.com/cybozu-go/neco/pkg/component/teleport"
)

func TestFiles(t *testing.T) {
	target := componenttest.Target()
	if files, err := (teleport.Component{}).Files(target); err == nil {
		t.Errorf("files without a token: %v", files)
	}
	target.Inputs = map[component.Input]string{"teleport/auth-token": "0123abcd"}
	componenttest.Golden(t, teleport.Component{}, target)
}
