package join

import (
	"testing"
	"time"
)

var someToken = Token{LRN: 3, HostName: "boot-3", RoleID: "role", Secret: "once", Expires: time.Unix(1e9, 0)}

func TestASecretBelongsToOneToken(t *testing.T) {
	var p progress
	first := p.secretFor(someToken)
	if again := p.secretFor(someToken); again != first {
		t.Error("the same token gets another secret")
	}
	other := someToken
	other.Secret = "twice"
	if p.secretFor(other) == first {
		t.Error("another token gets the same secret")
	}
}
