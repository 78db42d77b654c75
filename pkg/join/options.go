package join

import (
	"io"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/setup"
)

// Options are the parameters of a join.
type Options struct {
	setup.Host
	// Self describes this server.
	Self pki.Subject
	// LRNs are the numbers of running boot servers of the data centre.
	LRNs []int
	// Version is that of the neco package on this server.
	Version string
	// Token is the join token; nil: Operator and CA are used instead.
	Token *Token
	// TokenFile holds the token.  The join removes the file at its end.
	TokenFile string
	// Operator logs c in as an operator.  c has authenticated Vault by CA.
	Operator func(c *api.Client) error
	// CA is the certificate of the CA for servers, in PEM.
	CA []byte
	// CheckOnly runs only the stages that change nothing.
	CheckOnly bool
	// Out receives the messages for the operator.
	Out io.Writer
	Now func() time.Time
}
