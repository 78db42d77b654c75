package etcd

import (
	"bytes"
	"errors"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestAMemberThatEndsTheProcessSaysWhy(t *testing.T) {
	var out bytes.Buffer
	log := fatalLogger("boot-1", &out).WithOptions(zap.WithFatalHook(zapcore.WriteThenPanic))
	log.Error("not this")
	func() {
		defer func() { _ = recover() }()
		log.Fatal("failed to commit tx", zap.Error(errors.New("no space left on device")))
	}()
	if want := "etcd boot-1\tfailed to commit tx\t{\"error\": \"no space left on device\"}\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
