package vault

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/api"
)

// ErrTorn reports that a rekey operation of Vault has stopped half-way: the unseal key
// decrypts Vault's storage, but the running Vault works with another root key.
var ErrTorn = errors.New("the unseal key opens what vault has stored, but vault works with another root key: a rekey has stopped half-way; back up etcd before a vault is sealed or restarted")

// errNotAwaited reports that Vault has no rekey operation that waits for Commit.
var errNotAwaited = errors.New("vault does not wait for a new key")

// overtaken is the error of an attempt that another attempt has cancelled. The error
// does not show whether the unseal key is right.
type overtaken struct{}

func (overtaken) Error() string {
	return "vault has given the attempt up: somebody else has begun one, or another vault is active now"
}

// MayPass implements the interface of package retry. It returns true, because another
// attempt may succeed.
func (overtaken) MayPass() bool { return true }

// verdict is a row of the table verdicts: err is the error for a response of Vault that
// contains the text words.
type verdict struct {
	words string
	err   error
}

// verdicts returns the table of the errors for responses to requests with an unseal
// key. The first row that matches a response applies.
func verdicts() []verdict {
	return []verdict{
		{"key verification failed: ", ErrTorn}, // the key has decrypted the storage
		{"invalid key", ErrBadKey},
		{"incorrect key shares", ErrBadKey},
		{"valid hex or base64 string", ErrBadKey},
		{"key is shorter than", ErrBadKey},
		{"key is longer than", ErrBadKey},
		{"no rekey verification in progress", errNotAwaited},
		{"in progress", overtaken{}},
		{"incorrect nonce", overtaken{}},
		{"already finished", overtaken{}},
		{"invalid request", overtaken{}}, // the cancellation of an attempt with another nonce
		{"standby", overtaken{}},
	}
}

// hideKey replaces Vault's response to a request with an unseal key, because the
// response may contain the key. It returns an error from verdicts if one matches, and
// otherwise an error with the HTTP status. An unsealed Vault responds to a wrong key
// with an internal error; other internal errors are returned unchanged.
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
