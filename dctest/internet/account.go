package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// tokenPath is where a registry gives tokens. It gives a token to everybody, as quay.io
// does.
const tokenPath = "/v2/auth"

// The tokens, with which clients pull images.
const (
	// publicToken permits to pull images from public repositories.
	publicToken = "public"
	// accountToken, for clients with an account, permits to pull all images. Any user with
	// any password is an account: tests see in the log of responses which one a client used.
	accountToken = "account"
)

// accounts is the handler of a registry whose private repositories need an account. The
// names of these repositories end with "-secret".
type accounts struct{ registry http.Handler }

// ServeHTTP gives a token, or passes the request on to the registry if the client may make
// it.
func (h accounts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case r.URL.Path == tokenPath:
		giveToken(w, r)
	case strings.Contains(r.URL.Path, "-secret/") && token != accountToken, r.URL.Path == "/v2/" && token == "":
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="https://%s%s",service=%q`, r.Host, tokenPath, hostname(r)))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintln(w, `{"errors":[{"code":"UNAUTHORIZED","message":"access to the requested resource is not authorized"}]}`)
	default:
		h.registry.ServeHTTP(w, r)
	}
}

func giveToken(w http.ResponseWriter, r *http.Request) {
	token := publicToken
	if user, password, ok := r.BasicAuth(); ok && user != "" && password != "" {
		token = accountToken
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"token": token}) // the client has disconnected
}
