package vault_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cybozu-go/neco/pkg/component/vault"
)

func TestAVaultIsRestartedAfterThreeChecksThatAgree(t *testing.T) {
	away := errors.New("connection refused")
	for _, tt := range []struct {
		name string
		// checks are the answers, one each check: h half sealed, s sound, e an error.
		checks string
		// restarts has an r for each check after which Vault is restarted.
		restarts string
	}{
		{"sound", "ssss", "----"},
		{"half sealed", "hhhss", "--r--"},
		{"once, while etcd failed", "hhshh", "-----"},
		{"does not answer in between", "hhehhh", "-----r"},
		{"still half sealed after a restart", "hhhhhh", "--r--r"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				done := 0
				got := []byte(strings.Repeat("-", len(tt.checks)))
				g := vault.Guard{
					HalfSealed: func(context.Context) (bool, error) {
						answer := tt.checks[done]
						done++
						if done == len(tt.checks) {
							defer cancel()
						}
						if answer == 'e' {
							return false, away
						}
						return answer == 'h', nil
					},
					Restart: func(context.Context) error { got[done-1] = 'r'; return errors.New("no such unit") },
					Log:     slog.New(slog.DiscardHandler),
				}
				start := time.Now()
				g.Run(ctx)
				if string(got) != tt.restarts {
					t.Errorf("restarts %s, want %s", got, tt.restarts)
				}
				if took := time.Since(start); took > time.Duration(done)*time.Minute/2 {
					t.Errorf("%d checks took %s", done, took)
				}
			})
		})
	}
}
