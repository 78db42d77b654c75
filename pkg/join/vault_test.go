package join

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/vault/api"
)

// vaultServer answers like Vault as far as joins and departures ask; the real
// one runs in the virtual data centre.  One request can be made to fail.
type vaultServer struct {
	mu sync.Mutex
	// key is the unseal key; pending one that waits for its verification.
	key, pending string
	made         int
	started      bool
	// token is a join token that has its one use left; secret is registered.
	token, secret string
	// noRole: the approle of who leaves is deleted.
	noRole bool
	// revoked is the token that was revoked last.
	revoked string

	requests int
	// cut is the number of the request that is cut off, after it was heard if
	// heard is set.
	cut   int
	heard bool
}

func (v *vaultServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.requests++
	if v.requests == v.cut {
		if v.heard {
			v.answer(httptest.NewRecorder(), r)
		}
		panic(http.ErrAbortHandler)
	}
	v.answer(w, r)
}

func (v *vaultServer) answer(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Key      string `json:"key"`
		Nonce    string `json:"nonce"`
		SecretID string `json:"secret_id"`
	}
	_ = json.NewDecoder(r.Body).Decode(&q) // most have no body
	say := func(code int, text string) {
		w.WriteHeader(code)
		fmt.Fprint(w, text)
	}
	method, path := r.Method, strings.TrimPrefix(r.URL.Path, "/v1/")
	switch {
	case path == "sys/leader":
		say(200, `{"ha_enabled":true,"is_self":false,"leader_address":"https://10.69.0.3:8200"}`)
	case path == "sys/rekey/init" && method == http.MethodGet:
		say(200, fmt.Sprintf(`{"started":%t,"nonce":"n"}`, v.started))
	case path == "sys/rekey/init" && method == http.MethodDelete:
		v.started, v.pending = false, ""
		say(204, "")
	case path == "sys/rekey/init" && v.started:
		say(400, `{"errors":["rekey already in progress"]}`)
	case path == "sys/rekey/init":
		v.started = true
		say(200, `{"started":true,"nonce":"n"}`)
	case path == "sys/rekey/update" && q.Key != v.key:
		say(500, `{"errors":["failed to read root key: invalid key: failed to decrypt keys from storage: cipher: message authentication failed"]}`)
	case path == "sys/rekey/update":
		v.made++
		v.pending = fmt.Sprint("key ", v.made)
		say(200, fmt.Sprintf(`{"complete":true,"keys_base64":[%q],"verification_required":true,"verification_nonce":"v"}`, v.pending))
	case path == "sys/rekey/verify" && (q.Key != v.pending || q.Nonce != "v"):
		say(400, `{"errors":["verification failed"]}`)
	case path == "sys/rekey/verify":
		v.key, v.pending, v.started = v.pending, "", false
		say(200, `{"complete":true}`)
	case strings.HasSuffix(path, "/custom-secret-id"):
		if r.Header.Get("X-Vault-Token") != v.token || v.token == "" {
			say(403, `{"errors":["permission denied"]}`)
			return
		}
		v.token, v.secret = "", q.SecretID
		say(200, `{"data":{"secret_id_accessor":"a"}}`)
	case path == "auth/approle/login" && (q.SecretID != v.secret || v.secret == ""):
		say(400, `{"errors":["invalid role or secret ID"]}`)
	case path == "auth/approle/login":
		say(200, `{"auth":{"client_token":"t"}}`)
	case path == "auth/approle/role/boot-2" && method == http.MethodGet && !v.noRole:
		say(200, `{"data":{"bind_secret_id":true}}`)
	case path == "auth/approle/role/boot-2" && method == http.MethodDelete:
		v.noRole = true
		say(204, "")
	case path == "auth/approle/role/boot-2/secret-id" && v.noRole:
		say(400, `{"errors":["role \"boot-2\" does not exist"]}`)
	case path == "auth/token/revoke-self":
		v.revoked = r.Header.Get("X-Vault-Token")
		say(204, "")
	case method == http.MethodDelete, method == http.MethodPut, method == http.MethodPost:
		say(204, "")
	case method == http.MethodGet && path == "auth/token/lookup-self":
		say(200, `{"data":{}}`)
	default:
		say(404, `{"errors":[]}`)
	}
}

// heal lets no request fail any more, and returns how many there were.
func (v *vaultServer) heal() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.cut = 0
	return v.requests
}

// client of the server, which does not try again by itself.
func (v *vaultServer) client(t *testing.T) *api.Client {
	t.Helper()
	s := httptest.NewServer(v)
	t.Cleanup(s.Close)
	c, err := api.NewClient(&api.Config{Address: s.URL, HttpClient: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	c.SetMaxRetries(0)
	c.SetToken("operator")
	return c
}
