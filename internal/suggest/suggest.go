// Package suggest finds the name that the user probably meant by a mistyped one.
package suggest

import "strings"

// within is the maximum distance of a suggested name from the mistyped one.
const within = 2

// Similar returns the names that start with word. If there are none, it returns the
// names with the smallest distance from word. It returns nothing if that distance is
// more than two, or more than half the length of word.
func Similar(word string, names []string) []string {
	var begin, near []string
	nearest := min(within, len(word)/2)
	for _, n := range names {
		if word != "" && strings.HasPrefix(n, word) {
			begin = append(begin, n)
		}
		d := distance(word, n)
		if d < nearest {
			nearest, near = d, nil
		}
		if d == nearest {
			near = append(near, n)
		}
	}
	if len(begin) > 0 {
		return begin
	}
	return near
}

// distance returns the number of changes that turn a into b (optimal string alignment).
// A change inserts, deletes or replaces a letter, or swaps two neighbours.
func distance(a, b string) int {
	d := make([][]int, len(a)+1) // distances between the first i letters of a and j of b
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range len(b) {
		d[0][j+1] = j + 1
	}
	for i := range len(a) {
		for j := range len(b) {
			replaced := d[i][j]
			if a[i] != b[j] {
				replaced++
			}
			least := min(d[i][j+1]+1, d[i+1][j]+1, replaced)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				least = min(least, d[i-1][j-1]+1)
			}
			d[i+1][j+1] = least
		}
	}
	return d[len(a)][len(b)]
}
