package cli

import (
	"context"
	"errors"
	"regexp"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cybozu-go/neco/internal/errtext"
	"github.com/cybozu-go/neco/internal/printable"
)

// remedy is the advice to the operator about an endpoint of etcd that does not answer.
type remedy int

const (
	// startMember advises the operator to start the member of etcd at the endpoint,
	// because that member may be down.
	startMember remedy = iota
	// correctConfig advises the operator to correct the endpoint's URL, which does not
	// lead to a member of etcd.
	correctConfig
	// renewCertificate advises the operator to renew a certificate, because client and
	// server do not accept each other's certificates.
	renewCertificate
)

// fault describes why an endpoint does not answer as a member of etcd.
type fault struct {
	endpoint string
	// is follows the endpoint in a sentence, as in "is not etcd"; cause follows the
	// endpoint and a colon. Exactly one of them is set.
	is, cause string
	remedy    remedy
}

func (f fault) String() string {
	if f.is != "" {
		return f.endpoint + " " + f.is
	}
	return f.endpoint + ": " + f.cause
}

// closed is a pattern of the error after a server has closed a connection without
// stating a reason.
const closed = `(?:connection reset by peer|broken pipe|EOF)`

// closesConnection is the text of a fault whose reason is unknown, because the server
// has closed the connection.
const closesConnection = "closes the connection"

// faultPattern recognizes the error of a connection. The text of the fault is the field
// is, followed by what the first group in pattern has matched.
type faultPattern struct {
	pattern *regexp.Regexp
	is      string
	remedy  remedy
}

// faultPatterns returns the patterns in the order in which they have to be tried.
func faultPatterns() []faultPattern {
	return []faultPattern{
		{regexp.MustCompile(`remote error: tls: (?:no application protocol|protocol version not supported)`), "is not etcd", correctConfig},
		{regexp.MustCompile(`remote error: tls: ([^"\\]*)`), "refuses the certificate of this server: ", renewCertificate},
		{regexp.MustCompile(`(x509: [^("\\]*[^("\\ ])`), "", renewCertificate},
		{regexp.MustCompile(`authentication handshake failed: (?:tls: first record does not look like a TLS handshake|.*` + closed + `)`), "does not speak TLS", correctConfig},
		{regexp.MustCompile(`unexpected HTTP status code|content-type|looked like an HTTP/1.1 header|missing selected ALPN property|frame too large|http2: `), "is not etcd", correctConfig},
		{regexp.MustCompile(`(tls-(?:cert|key)[^"\\]*)`), "", renewCertificate},
		{regexp.MustCompile(`(no such host)`), "", correctConfig},
		{regexp.MustCompile(`lookup [^"]*: ([^":]*)`), "cannot be resolved: ", correctConfig},
		{regexp.MustCompile(`(connection refused|no route to host|network is unreachable)`), "", startMember},
		{regexp.MustCompile(closed), closesConnection, correctConfig},
	}
}

// findFault returns the fault of an endpoint at which a request has failed with err.
func findFault(endpoint string, err error) fault {
	f := fault{endpoint: endpoint}
	if errors.Is(err, context.DeadlineExceeded) || grpcCode(err) == codes.DeadlineExceeded {
		f.cause = "no answer"
		return f
	}
	for _, p := range faultPatterns() {
		m := p.pattern.FindStringSubmatch(err.Error())
		if m == nil {
			continue
		}
		f.is, f.remedy = p.is, p.remedy
		switch {
		case len(m) == 1:
		case f.is == "":
			f.cause = printable.Line(m[1])
		default:
			f.is += printable.Line(m[1])
		}
		return f
	}
	if grpcCode(err) == codes.Unimplemented {
		f.is, f.remedy = "is not etcd", correctConfig
		return f
	}
	f.cause = printable.Line(errtext.Of(err))
	return f
}

// noAnswer reports whether err may mean that no member of etcd was reached: the deadline
// has passed, or gRPC itself returned err. Errors from a member have types of etcd's
// client.
func noAnswer(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || grpcCode(err) == codes.Unavailable {
		return true
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if s, ok := err.(interface{ GRPCStatus() *status.Status }); ok {
			return s.GRPCStatus().Code() != codes.Canceled
		}
	}
	return false
}
