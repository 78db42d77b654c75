// Package kills is the suite that kills neco setup at each stage on each
// server, and pulls the plug of the leader at each stage: run again, it
// completes.
//
// It starts a data centre of its own and ends it; with DC=NAME it takes that one
// instead.  All cases take about an hour; CASES=6 draws six of them by SEED, a
// text such as the commit.  Where the kill falls inside a stage is drawn, too,
// and printed.
package kills
