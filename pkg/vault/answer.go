package vault

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/vault/api"
)

// ErrTorn is returned if a rekey operation of Vault has stopped half-way.
var ErrTorn = errors.New("the unseal key opens what vault has stored, but vault works with another root key: a rekey has stopped half-way; back up etcd before a vault is sealed or restarted")

// errNotAwaited is returned if the rekey operation is not at the stage of Commit.
var errNotAwaited = errors.New("vault does not wait for a new key")

// overtaken is the error of an attempt that ended without a statement about the key.
type overtaken struct{}

func (overtaken) Error() string {
	return "vault has given the attempt up: somebody else has begun one, or another vault is active now"
}

// MayPass implements the interface of package retry.
func (overtaken) MayPass() bool { return true }

// verdict is the error for responses of Vault that contain words.
type verdict struct {
	words string
	err   error
}

// verdicts returns the verdicts on requests with an unseal key; the first match counts.
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

// hideKey replaces Vault's response to a request with an unseal key, which may contain the
// key, by a verdict or else by the HTTP status. An unsealed Vault responds with an internal
// error to a wrong key; other internal errors are returned as they are.
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
