package join

import (
	"io"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/setup"
)

// Options of a join.
type Options struct {
	setup.Host
	// Self is this server.
	Self pki.Subject
	// LRNs are boot servers of the data centre.
	LRNs []int
	// Version of the neco package.
	Version string
	// Token is the join token.  Without one, Operator and CA take its place.
	Token *Token
	// TokenFile is where it came from; it is removed at the end.
	TokenFile string
	// Operator logs in to a Vault that has proved that it is of the data centre.
	Operator func(c *api.Client) error
	// CA is the certificate of the authority for servers, PEM.
	CA []byte
	// CheckOnly ends before anything is changed.
	CheckOnly bool
	// Out is where the operator looks.
	Out io.Writer
	Now func() time.Time
}
