// Package kills tests, in the sandbox, that an update survives the death of a worker at
// every step. It holds tests only; they need built packages and take minutes, so they
// have a build tag and a target of their own:
//
//	make test-sandbox
package kills
