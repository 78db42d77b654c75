package vault

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/api"
)

// ErrTorn: a rekey of Vault has stopped half-way.
var ErrTorn = errors.New("the unseal key opens what vault has stored, but vault works with another root key: a rekey has stopped half-way; back up etcd before a vault is sealed or restarted")

// errNotAwaited: the rekey has gone too far, or not far enough, for Commit.
var errNotAwaited = errors.New("vault does not wait for a new key")

// overtaken is an attempt that has ended without a word on the key.
type overtaken struct{}

func (overtaken) Error() string {
	return "vault has given the attempt up: somebody else has begun one, or another vault is active now"
}

// MayPass is what package retry asks for.
func (overtaken) MayPass() bool { return true }

// verdict is what Vault means by some of its words.
type verdict struct {
	words string
	err   error
}

// verdicts are those on a request with an unseal key; the first that fits counts.
func verdicts() []verdict {
	return []verdict{
		{"key verification failed: ", ErrTorn}, // it has opened what is stored
		{"invalid key", ErrBadKey},
		{"incorrect key shares", ErrBadKey},
		{"valid hex or base64 string", ErrBadKey},
		{"key is shorter than", ErrBadKey},
		{"key is longer than", ErrBadKey},
		{"no rekey verification in progress", errNotAwaited},
		{"in progress", overtaken{}},
		{"incorrect nonce", overtaken{}},
		{"already finished", overtaken{}},
		{"invalid request", overtaken{}}, // another nonce, to give an attempt up
		{"standby", overtaken{}},
	}
}

// hideKey replaces what Vault says of a request with an unseal key, for it may
// repeat it: by one of the verdicts, or else by its number.  A key that does not
// open what is stored is an internal error to Vault while it is unsealed; other
// internal errors stay what they are.
func hideKey(err error) error {
	answer := (*api.ResponseError)(nil)
	if !errors.As(err, &answer) {
		return err
	}
	bad := answer.StatusCode == http.StatusBadRequest
	if !bad && answer.StatusCode != http.StatusInternalServerError {
		return err
	}
	said := strings.Join(answer.Errors, " ")
	for _, v := range verdicts() {
		if strings.Contains(said, v.words) && (bad || errors.Is(v.err, ErrBadKey)) {
			return v.err
		}
	}
	if bad {
		return fmt.Errorf("vault refused with status %d", answer.StatusCode)
	}
	return err
}
