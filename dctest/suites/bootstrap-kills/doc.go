// Package kills is the suite that kills neco setup in each stage on each server, and cuts
// the power of the leader in each stage: setup must complete when it is run again.
//
// It starts its own data centre and stops it at the end; with DC=NAME it uses the data
// centre NAME instead. All cases take about an hour. With CASES=6 it chooses six of them
// at random; SEED, a text such as the commit, determines the choice. The time of the
// failure within a stage is random and is printed.
package kills
