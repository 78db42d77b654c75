// Package statesetter judges the machines of a data centre: which state each one should have in
// sabakan, and why.
//
// It owns the format of sabakan-state-setter.yml and the rules. Its functions are pure: they
// decide about what others have observed, and send and read nothing. It must not know where
// observations come from.
package statesetter
