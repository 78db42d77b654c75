package sabakan_test

import (
	"io"
	"strings"
	"testing"

	"github.com/cybozu-go/neco/dctest/sandbox/sabakan"
)

func TestAProgramThatEndsIsNotAwaited(t *testing.T) {
	s, err := sabakan.Start(t.Context(), "/bin/false", t.TempDir(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "sabakan has ended: exit status 1") {
		t.Errorf("error %v", err)
	}
	if err := s.Wait(); err == nil {
		t.Error("the error of the program is lost")
	}
}
