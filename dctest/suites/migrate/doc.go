// Package migrate is the suite that takes a data centre over from cybozu-go/neco by installing
// the package of this Neco, updates it, and goes back.
//
// It starts its own data centre with three boot servers and stops it at the end; with
// DC=NAME it uses the data centre NAME instead and leaves it running.
package migrate
