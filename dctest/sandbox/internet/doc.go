// Package internet is all of the internet that a sandbox has: an HTTP proxy
// behind which a few host names are served by handlers, with certificates of
// an authority that nobody else trusts.  Any other name cannot be reached.
//
// It must not know what is served, nor who asks.
package internet
