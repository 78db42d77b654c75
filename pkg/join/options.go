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
	// Self has the names and addresses of this server.
	Self pki.Subject
	// LRNs are the numbers of running boot servers of the data centre. At least one is
	// required.
	LRNs []int
	// Version is the version of the neco package on this server.
	Version string
	// Token is the join token. If it is nil, the join uses Operator and CA instead.
	Token *Token
	// TokenFile is the path of the file with the token. The join removes the file when
	// it is complete.
	TokenFile string
	// Operator logs in the client c of Vault as an operator. The Vault of c has been
	// authenticated with CA.
	Operator func(c *api.Client) error
	// CA is the certificate, in PEM, of the CA that signs the server certificates.
	CA []byte
	// CheckOnly runs only the stages that change nothing.
	CheckOnly bool
	// Out receives the messages for the operator.
	Out io.Writer
	Now func() time.Time
}
