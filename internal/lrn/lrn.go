// Package lrn reads and prints logical rack numbers, by which boot servers are told
// apart.
package lrn

import (
	"fmt"
	"strconv"
	"strings"
)

// Max is the last rack whose addresses are in the data centre's 10.69.0.0/16: each
// rack takes 192 of them.
const Max = 1<<16/192 - 1

// Parse reads a logical rack number in its only spelling.
func Parse(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || strconv.Itoa(n) != text {
		return 0, fmt.Errorf("%q is no logical rack number", text)
	}
	return n, Check(n)
}

// Check returns an error if n is no logical rack number.
func Check(n int) error {
	if n < 0 || n > Max {
		return fmt.Errorf("logical rack number %d is not between 0 and %d", n, Max)
	}
	return nil
}

// List prints LRNs as people read them: "0, 2".
func List(lrns []int) string {
	names := make([]string, len(lrns))
	for i, n := range lrns {
		names[i] = strconv.Itoa(n)
	}
	return strings.Join(names, ", ")
}

// Servers names boot servers: "boot server 2", "boot servers 0, 2".
func Servers(lrns []int) string {
	if len(lrns) == 1 {
		return "boot server " + List(lrns)
	}
	return "boot servers " + List(lrns)
}
