// Package notify tells people what an update does, through Slack's incoming
// webhooks.
//
// It owns the words of the messages, their form on the wire, and the retries
// of one delivery. It must not know etcd, nor whether a message was sent
// before: to send each once is its caller's. A delivery always ends within
// its deadline, and its failure is no reason to stop anything.
package notify
