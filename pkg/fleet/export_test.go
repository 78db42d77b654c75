package fleet

// Choose, Parse and Settled export functions to tests.
var (
	Choose  = choose
	Parse   = parse
	Settled = settled
)
