// Package functions is the suite that runs all programs that Neco manages in a data centre:
// the contents that they get, and what an update does to them.
//
// It starts its own data centre with three boot servers and stops it at the end; with
// DC=NAME it uses the data centre NAME instead and leaves it running.
package functions
