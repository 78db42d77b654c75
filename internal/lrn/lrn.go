// Package lrn parses and formats logical rack numbers (LRNs), which identify boot
// servers.
package lrn

import (
	"fmt"
	"strconv"
	"strings"
)

// Max is the highest logical rack number. Each rack uses 192 addresses of the data
// centre's network 10.69.0.0/16; the addresses of a higher rack would be outside of
// that network.
const Max = 1<<16/192 - 1

// Parse parses a decimal logical rack number without leading zeros or sign.
func Parse(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || strconv.Itoa(n) != text {
		return 0, fmt.Errorf("%q is not a logical rack number", text)
	}
	return n, Check(n)
}

// Check returns an error if n is not a logical rack number.
func Check(n int) error {
	if n < 0 || n > Max {
		return fmt.Errorf("logical rack number %d is not between 0 and %d", n, Max)
	}
	return nil
}

// List formats LRNs for people: "0, 2".
func List(lrns []int) string {
	names := make([]string, len(lrns))
	for i, n := range lrns {
		names[i] = strconv.Itoa(n)
	}
	return strings.Join(names, ", ")
}

// Servers formats boot servers for people: "boot server 2", "boot servers 0, 2".
func Servers(lrns []int) string {
	if len(lrns) == 1 {
		return "boot server " + List(lrns)
	}
	return "boot servers " + List(lrns)
}
