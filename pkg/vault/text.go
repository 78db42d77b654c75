package vault

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/vault/api"
)

// Text is err for people: an answer of Vault in it, which has many lines and the
// address asked, is one line.
func Text(err error) string {
	text := err.Error()
	var answer *api.ResponseError
	if !errors.As(err, &answer) {
		return text
	}
	said := strings.Join(strings.Fields(strings.Join(answer.Errors, "; ")), " ")
	return strings.ReplaceAll(text, answer.Error(), fmt.Sprintf("Vault answered %d: %s", answer.StatusCode, said))
}
