package cli

import (
	"bytes"
	"errors"
	"testing"

	"github.com/spf13/cobra"
)

// TestAnOutageOfEtcdHasABeginAndAnEnd tests output that does not go to a terminal.
func TestAnOutageOfEtcdHasABeginAndAnEnd(t *testing.T) {
	var out bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetErr(&out)
	f := &follower{cmd: cmd}
	away := errors.New("etcd has no majority here")
	for _, err := range []error{nil, away, away, nil, nil, away, nil} {
		f.report(t.Context(), err)
	}
	const once = "waiting for etcd: etcd has no majority here\netcd answers again\n"
	if out.String() != once+once {
		t.Errorf("%s", out.String())
	}
}
