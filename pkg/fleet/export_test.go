package fleet

// Choose and Parse export functions to tests.
var (
	Choose = choose
	Parse  = parse
)
