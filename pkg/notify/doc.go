// Package notify sends messages about updates to people, through incoming webhooks of
// Slack.
//
// It owns the texts of the messages, their wire format, and the retries of one delivery.
// It must not know etcd, nor whether a message was sent before: the calling program must
// send each message once. A delivery ends within its deadline, and its failure must not
// stop anything else.
package notify
