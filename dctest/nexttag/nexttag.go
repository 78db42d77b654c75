// Package nexttag names the images that the simulated internet offers as the successors of
// each image of the artifact set, so that a test can publish a release in which the tag of
// every image has changed.
package nexttag

import (
	"regexp"
	"strconv"
)

var (
	// tagField matches the tag of an image in the text of artifacts.go.
	tagField = regexp.MustCompile(`(Tag: ")([^"]+)(")`)
	first    = regexp.MustCompile(`^\d+`)
	last     = regexp.MustCompile(`\d+$`)
)

// Of returns the tag that follows tag: its last number is one higher. It returns tag itself
// if that does not end with a number.
func Of(tag string) string { return last.ReplaceAllStringFunc(tag, increment) }

// Major returns the tag of the next major version: the first number of tag is one higher. It
// returns tag itself if that does not begin with a number.
func Major(tag string) string { return first.ReplaceAllStringFunc(tag, increment) }

func increment(number string) string {
	n, err := strconv.Atoi(number)
	if err != nil {
		return number // too long for an int
	}
	return strconv.Itoa(n + 1)
}

// All returns the text of artifacts.go with the next tag of every image.
func All(artifacts string) string { return replace(tagField, artifacts, Of) }

// Image returns the text of artifacts.go in which the tag of the image called name has become
// next of it. The text stays the same if it has no such image.
func Image(artifacts, name string, next func(tag string) string) string {
	field := regexp.MustCompile(`(\{Name: "` + regexp.QuoteMeta(name) + `", Repository: "[^"]*", Tag: ")([^"]+)(")`)
	return replace(field, artifacts, next)
}

// replace returns text in which the second of the three groups of each match of field has
// become next of it.
func replace(field *regexp.Regexp, text string, next func(tag string) string) string {
	return field.ReplaceAllStringFunc(text, func(match string) string {
		part := field.FindStringSubmatch(match)
		return part[1] + next(part[2]) + part[3]
	})
}
