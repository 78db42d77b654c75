package storage_test

import (
	"errors"
	"testing"

	"github.com/cybozu-go/neco/pkg/storage"
)

func TestTheSSHKeyIsReplacedOnlyByWhoKnowsIt(t *testing.T) {
	s := newStorage(t)
	act := storage.Act{Kind: storage.KindConfig, By: "a@b", At: started, What: "the SSH key of nodes is generated"}
	for _, step := range []struct {
		old, key, want string
		err            error
	}{
		{"ssh-rsa A", "ssh-rsa B", "", storage.ErrSuperseded},
		{"", "ssh-rsa A", "ssh-rsa A", nil},
		{"", "ssh-rsa B", "ssh-rsa A", storage.ErrSuperseded},
		{"ssh-rsa A", "ssh-rsa B", "ssh-rsa B", nil},
	} {
		if err := s.PutSSHKey(t.Context(), step.old, step.key, act); !errors.Is(err, step.err) {
			t.Errorf("%q to %q: %v", step.old, step.key, err)
		}
		if got, err := s.SSHKey(t.Context()); got != step.want || err != nil {
			t.Errorf("%q to %q: stored is %q, %v; want %q", step.old, step.key, got, err, step.want)
		}
	}
	if v := all(t, s)[storage.KeySSHPubKey]; v != "ssh-rsa B" {
		t.Errorf("stored is %q", v)
	}
}
