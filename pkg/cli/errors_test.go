package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cybozu-go/neco/pkg/setup"
	"github.com/cybozu-go/neco/pkg/storage"
)

func TestReportSaysWhatToDoAndHowItEnded(t *testing.T) {
	tests := []struct {
		name string
		err  error
		code int
		text string
	}{
		{"success is silent", nil, 0, ""},
		{"an error", errors.New("no"), 1, "Error: no\n"},
		{"an error with a hint", hint(errors.New("no"), "try %s", "yes"), 1, "Error: no\nHint: try yes\n"},
		{"a hint below a wrapped error", fmt.Errorf("leave 1: %w", hint(errors.New("no"), "stay")), 1, "Error: leave 1: no\nHint: stay\n"},
		{"an exit code", &ExitError{CodeStopped, hint(errors.New("no"), "recover")}, 4, "Error: no\nHint: recover\n"},
		{"an answer of Vault", fmt.Errorf("sign: %w", &api.ResponseError{HTTPMethod: "PUT", URL: "https://10.69.0.3:8200/v1/x", StatusCode: 403, Errors: []string{"permission denied"}}),
			1, "Error: sign: Vault answered 403: permission denied\nHint: the token has expired or lacks the required policy; set another VAULT_TOKEN, or unset it to log in interactively\n"},
		{"an answer of Vault with a hint", hint(&api.ResponseError{StatusCode: 500, Errors: []string{"a", "b\nc"}}, "wait"), 1, "Error: Vault answered 500: a; b c\nHint: wait\n"},
		{"all that keeps a server from being set up", fmt.Errorf("preflight: %w", setup.Problems{errors.New("names: a\x1b"), errors.New("disk: b")}), 1,
			"Error: this server is not ready:\n  names: a\\x1b\n  disk: b\n"},
		{"a file that is not there", fmt.Errorf("recovery key: %w", &fs.PathError{Op: "open", Path: "/usb/key", Err: fs.ErrNotExist}), 1,
			"Error: recovery key: open /usb/key: file does not exist\nHint: check the name of the file\n"},
		{"a file of boot servers", &fs.PathError{Op: "open", Path: "/etc/neco/server.crt", Err: fs.ErrNotExist}, 1,
			"Error: open /etc/neco/server.crt: file does not exist\nHint: is this a boot server? neco setup and neco join create the files in /etc/neco\n"},
		{"a file of root", &fs.PathError{Op: "open", Path: "/etc/neco/server.key", Err: fs.ErrPermission}, 1,
			"Error: open /etc/neco/server.key: permission denied\nHint: try again with sudo\n"},
		{"an exit code alone", &ExitError{Code: 1}, 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			if code := report(&b, tt.err); code != tt.code || b.String() != tt.text {
				t.Errorf("code %d, %q", code, b.String())
			}
		})
	}
}

func TestEveryErrorOfEtcdHasAHint(t *testing.T) {
	for name, err := range map[string]error{
		"no answer":            context.DeadlineExceeded,
		"no connection":        status.Error(codes.Unavailable, "connection refused"),
		"no time":              status.Error(codes.DeadlineExceeded, "late"),
		"no majority":          rpctypes.ErrTimeout,
		"no leader":            rpctypes.ErrNoLeader,
		"leader changes":       status.Error(codes.Unknown, "raft proposal dropped"),
		"no space":             rpctypes.ErrNoSpace,
		"no right":             rpctypes.ErrPermissionDenied,
		"no user any more":     rpctypes.ErrUserNotFound,
		"somebody was quicker": storage.ErrSuperseded,
	} {
		t.Run(name, func(t *testing.T) {
			got := explain(fmt.Errorf("read snapshot: %w", err))
			var h *Hint
			if !errors.As(got, &h) || h.Text == "" || !errors.Is(got, err) {
				t.Errorf("%v", got)
			}
		})
	}
	if explain(nil) != nil {
		t.Error("success is an error")
	}
}

// TestNoCommandPrintsAGRPCStatus checks the statuses of all codes, with and without a
// hint.
func TestNoCommandPrintsAGRPCStatus(t *testing.T) {
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		for _, text := range []string{"raft proposal dropped", "unexpected HTTP status code received from server: 404 (Not Found)"} {
			var b strings.Builder
			report(&b, explain(fmt.Errorf("read snapshot: %w", status.Error(code, text))))
			if strings.Contains(b.String(), "rpc error") || !strings.Contains(b.String(), text) {
				t.Errorf("%s: %s", code, &b)
			}
		}
	}
}
