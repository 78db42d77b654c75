// Package internet simulates the internet for a sandbox: it is an HTTP proxy behind
// which handlers serve a few host names over HTTPS. The certificates are issued by a CA
// that only the sandbox trusts. Other host names are unreachable.
//
// It must not know what the handlers serve, nor who the clients are.
package internet
