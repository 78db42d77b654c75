package main

import (
	"fmt"
	"net/http"
)

// slackHost is the host of Slack's incoming webhooks.
const slackHost = "hooks.slack.com"

// newSlack returns a handler that accepts every message. Tests see in the log of responses
// which webhook a message was sent to.
func newSlack() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /services/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	return mux
}
