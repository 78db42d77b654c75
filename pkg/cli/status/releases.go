package status

import "fmt"

// warnings name the releases that do not count although they might be expected
// to.
func (r Release) warnings() []string {
	var lines []string
	switch {
	case r.Withdrawn == "":
	case r.Withdrawn == r.Newest:
		lines = append(lines, fmt.Sprintf("%s is not on the release server any more; it stays known because it is in use", r.Withdrawn))
	default:
		lines = append(lines, fmt.Sprintf("%s is not on the release server any more and was forgotten", r.Withdrawn))
	}
	for _, tag := range r.Skipped {
		lines = append(lines, fmt.Sprintf("%s is skipped: its date is later than tomorrow", tag))
	}
	return lines
}
