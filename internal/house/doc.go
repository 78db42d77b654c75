// Package house holds the rules of this repository as tests: which way imports
// go, what no code may call, how long a file may be, and what no tracked file
// may say.
//
// It has no code but tests, and must not know what any package does.
package house
