// Package suggest finds the name that was probably meant by a mistyped one.
package suggest

import "strings"

// within is how many letters may differ.
const within = 2

// Similar returns the names that begin with word, else those that differ from it in
// the fewest letters, at most two.
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

// distance is Levenshtein's: how many letters have to be inserted, deleted or replaced.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j+1]+1, row[j]+1, replaced)
		}
	}
	return row[len(b)]
}
