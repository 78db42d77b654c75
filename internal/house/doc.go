// Package house holds the rules of this repository as tests: the direction of imports,
// forbidden calls, the maximum length of files, and forbidden text in tracked files.
//
// It has no code but tests, and must not know what any package does.
package house
