package systemd

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// splitWords splits a value into words as systemd does. Words are separated by spaces. A
// word may be quoted in part, and may contain C escapes.
func splitWords(value string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote byte
	started := false
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '\\' && i+1 < len(value):
			text, n := unescape(value[i:])
			word.WriteString(text)
			i += n - 1
			started = true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, started = c, true
		case quote == 0 && strings.ContainsRune(" \t\n\r", rune(c)):
			if started {
				words = append(words, word.String())
				word.Reset()
				started = false
			}
		default:
			word.WriteByte(c)
			started = true
		}
	}
	if quote != 0 {
		return nil, errors.New("unbalanced quotes")
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

// unescape decodes the escape sequence at the start of text, and returns its length.
func unescape(text string) (string, int) {
	const single = `abfnrtv\"'s`
	const meaning = "\a\b\f\n\r\t\v\\\"' "
	if i := strings.IndexByte(single, text[1]); i >= 0 {
		return meaning[i : i+1], 2
	}
	if text[1] == 'x' && len(text) >= 4 {
		if n, err := strconv.ParseUint(text[2:4], 16, 8); err == nil {
			return string([]byte{byte(n)}), 4
		}
	}
	return text[:2], 2
}

// expandSpecifiers replaces those %-specifiers that this package supports.
func expandSpecifiers(value, unit string) string {
	if !strings.Contains(value, "%") {
		return value
	}
	full := unit
	if i := strings.LastIndexByte(unit, '.'); i >= 0 {
		full = unit[:i]
	}
	prefix, instance, _ := strings.Cut(full, "@")
	host, _ := os.Hostname()
	return strings.NewReplacer("%%", "%", "%n", unit, "%N", full, "%p", prefix, "%i", instance, "%H", host).Replace(value)
}

// expandVariables replaces ${NAME} within words by the variable's value, and a word $NAME
// by the words of that value.
func expandVariables(words, env []string) []string {
	values := map[string]string{}
	for _, assignment := range env {
		if name, value, ok := strings.Cut(assignment, "="); ok {
			values[name] = value
		}
	}
	var expanded []string
	for _, word := range words {
		if name, ok := strings.CutPrefix(word, "$"); ok && isVariable(name) {
			expanded = append(expanded, strings.Fields(values[name])...)
			continue
		}
		expanded = append(expanded, expandBraces(word, values))
	}
	return expanded
}

func expandBraces(word string, values map[string]string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(word, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if rest, ok := strings.CutPrefix(after, "$"); ok { // "$$" is "$"
			b.WriteByte('$')
			word = rest
			continue
		}
		if inner, ok := strings.CutPrefix(after, "{"); ok {
			if name, rest, closed := strings.Cut(inner, "}"); closed && isVariable(name) {
				b.WriteString(values[name])
				word = rest
				continue
			}
		}
		b.WriteByte('$')
		word = after
	}
}

func isVariable(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c == '_' || (c|0x20 >= 'a' && c|0x20 <= 'z')
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// parseSpan parses a time span such as "1min 30s" or "5" (seconds). For "infinity" it
// returns 0.
func parseSpan(text string) (time.Duration, error) {
	if text == "infinity" {
		return 0, nil // no limit
	}
	var total time.Duration
	rest := strings.TrimSpace(text)
	for rest != "" {
		digits := strings.TrimLeft(rest, "0123456789.")
		n, err := strconv.ParseFloat(rest[:len(rest)-len(digits)], 64)
		if err != nil {
			return 0, fmt.Errorf("%q is no time span", text)
		}
		digits = strings.TrimLeft(digits, " ")
		name := digits[:len(digits)-len(strings.TrimLeft(digits, "abcdefghijklmnopqrstuvwxyz"))]
		unit, ok := spanUnit(name)
		if !ok {
			return 0, fmt.Errorf("%q is no time span", text)
		}
		total += time.Duration(n * float64(unit))
		rest = strings.TrimSpace(digits[len(name):])
	}
	return total, nil
}

func spanUnit(name string) (time.Duration, bool) {
	switch name {
	case "us", "usec":
		return time.Microsecond, true
	case "ms", "msec":
		return time.Millisecond, true
	case "", "s", "sec", "second", "seconds":
		return time.Second, true
	case "m", "min", "minute", "minutes":
		return time.Minute, true
	case "h", "hr", "hour", "hours":
		return time.Hour, true
	case "d", "day", "days":
		return 24 * time.Hour, true
	}
	return 0, false
}

func parseBool(text string) bool {
	switch strings.ToLower(text) {
	case "1", "yes", "y", "true", "t", "on":
		return true
	}
	return false
}
