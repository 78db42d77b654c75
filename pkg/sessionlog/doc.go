// Package sessionlog runs the session of a user who has logged in over SSH, and records it
// if the session has a terminal.
//
// It owns the recording, its upload, and the program login.sh that sshd runs for each
// session. A session never depends on the recording: whatever fails, the user gets a shell
// or the command. The package must not know how sshd is configured.
package sessionlog
