// Package control lets sandboxes that were left running be played with: each
// has a name, under which a file of the user says where it is, and answers on
// a socket.
//
// It owns names, that file, and what is asked and answered.  What is done is
// dctest/sandbox's.
package control
