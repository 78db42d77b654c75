package errtext

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestNoGRPCStatusIsShownAsOne checks every gRPC code and an undefined code.
func TestNoGRPCStatusIsShownAsOne(t *testing.T) {
	for code := codes.Canceled; code <= codes.Unauthenticated+1; code++ {
		err := errors.Join(
			fmt.Errorf("read snapshot: %w", status.Error(code, "the description")),
			fmt.Errorf("lost: %v", status.Error(code, "another one")),
		)
		text := Of(err)
		if strings.Contains(text, "rpc error") || strings.Contains(text, "desc =") || strings.Contains(text, code.String()+" ") {
			t.Errorf("%s: %s", code, text)
		}
		if !strings.Contains(text, "the description") || !strings.Contains(text, "another one") {
			t.Errorf("%s: the description is lost: %s", code, text)
		}
		if _, known := meanings()[code]; !known && code != codes.Unknown && code <= codes.Unauthenticated {
			t.Errorf("%s has no words", code)
		}
	}
}

func TestTheLayersOfGRPCAreTakenOff(t *testing.T) {
	for text, want := range map[string]string{
		`rpc error: code = Unavailable desc = last connection error: connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:1: connect: connection refused"`: "not available: dial tcp 127.0.0.1:1: connect: connection refused",
		`connection error: desc = "transport: authentication handshake failed: tls: \"x\" is bad"`:                                                                                 `tls: "x" is bad`,
		"rpc error: code = Unknown desc = raft proposal dropped":                                                                                                                   "raft proposal dropped",
		"nothing of grpc": "nothing of grpc",
	} {
		if got := Words(text); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTheLastLinesOfAProgramAreOneLine(t *testing.T) {
	for output, want := range map[string]string{
		"": "", "\n": "", "no space\n": "no space", "a\nb\n": "a; b", "1\n2\n3\n4\n5\n6\n": "2; 3; 4; 5; 6",
	} {
		if got := LastLines(output); got != want {
			t.Errorf("%q: %q, want %q", output, got, want)
		}
	}
}
