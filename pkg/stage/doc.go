// Package stage runs a long operation on a server, such as the setup of a data centre,
// as a table of stages.
//
// It owns what all such operations need: deadlines, retries of transient errors, the
// record of the completed stages, check-only runs, and the output for the operator. It
// must not know what a stage does, nor how the servers wait for each other.
package stage
