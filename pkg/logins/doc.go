// Package logins defines how people log in to a boot server: it owns the drop-in files of
// sshd and of sudo, their validation by sshd and visudo before they replace anything, and
// the check that somebody can log in with a key before passwords are disabled.
//
// It must not know what an update is, nor how a session is recorded.
package logins
