// Package control controls sandboxes that run in the background. Each has a name; a file
// in the user's cache directory, named after the sandbox, holds the path of the socket
// that the sandbox serves.
//
// It owns the names, that file, and the protocol on the socket. It must not know how a
// request is carried out: that is up to dctest/sandbox.
package control
