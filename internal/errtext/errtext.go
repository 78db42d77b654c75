// Package errtext formats errors for people: it removes what a protocol adds to the
// text of an error, for responses of Vault and of gRPC servers such as etcd, and shortens
// the output of programs that have failed.
//
// It owns the texts that replace these parts. It must not know what an operator can do
// about an error.
package errtext

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/vault/api"
	"google.golang.org/grpc/codes"
)

// Of returns the text of err. A response of Vault in the text is reduced to its HTTP
// status and its messages, in one line; gRPC statuses are replaced by words as [Words]
// does.
func Of(err error) string {
	text := err.Error()
	if answer := (*api.ResponseError)(nil); errors.As(err, &answer) {
		said := strings.Join(strings.Fields(strings.Join(answer.Errors, "; ")), " ")
		text = strings.ReplaceAll(text, answer.Error(), fmt.Sprintf("Vault answered %d: %s", answer.StatusCode, said))
	}
	return Words(text)
}

// grpcStatus matches a status in the format of google.golang.org/grpc/internal/status.
var grpcStatus = regexp.MustCompile(`rpc error: code = (Code\(\d+\)|\w+) desc = `)

// Words replaces each gRPC status in text by the meaning of its code and its
// description. It omits the prefixes that the layers of gRPC add.
func Words(text string) string {
	text = grpcStatus.ReplaceAllStringFunc(text, func(s string) string {
		name := grpcStatus.FindStringSubmatch(s)[1]
		if name == codes.Unknown.String() {
			return "" // the description is the whole information
		}
		return meaning(name) + ": "
	})
	text = connectionError.ReplaceAllStringFunc(text, func(s string) string {
		if inner, err := strconv.Unquote(connectionError.FindStringSubmatch(s)[1]); err == nil {
			return inner
		}
		return s
	})
	return layers.Replace(text)
}

var (
	// connectionError matches an error in the format of grpc's
	// transport.ConnectionError.
	connectionError = regexp.MustCompile(`connection error: desc = ("(?:[^"\\]|\\.)*")`)
	// layers are the prefixes that grpc adds to the cause of an error.
	layers = strings.NewReplacer(
		"last connection error: ", "",
		"latest balancer error: ", "",
		"transport: Error while dialing: ", "",
		"transport: authentication handshake failed: ", "",
	)
)

// meanings returns the text for each gRPC code whose meaning adds to the description of
// a status.
func meanings() map[codes.Code]string {
	return map[codes.Code]string{
		codes.Canceled:           "the request was canceled",
		codes.InvalidArgument:    "the request is invalid",
		codes.DeadlineExceeded:   "no answer in time",
		codes.NotFound:           "not found",
		codes.AlreadyExists:      "it exists already",
		codes.PermissionDenied:   "permission denied",
		codes.ResourceExhausted:  "a limit is reached",
		codes.FailedPrecondition: "the server refuses this in its present state",
		codes.Aborted:            "the request was aborted",
		codes.OutOfRange:         "out of range",
		codes.Unimplemented:      "the server does not know this request",
		codes.Internal:           "internal error",
		codes.Unavailable:        "not available",
		codes.DataLoss:           "data is lost",
		codes.Unauthenticated:    "not authenticated",
	}
}

func meaning(name string) string {
	for code, text := range meanings() {
		if code.String() == name {
			return text
		}
	}
	return "the server answered " + name
}

// lastLines is how many lines [LastLines] returns.
const lastLines = 5

// LastLines returns the last five lines of output, joined to one line. A program that fails
// prints the reason there.
func LastLines(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return strings.Join(lines[max(0, len(lines)-lastLines):], "; ")
}
