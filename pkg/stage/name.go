package stage

// Name is the name of a stage. A table declares each of its names once, as a variable.
// A string cannot be used as a Name, so a misspelt name does not compile. The zero Name
// is the name of no stage.
type Name struct{ text string }

// NewName returns a Name with the given text.
func NewName(text string) Name { return Name{text} }

// String returns the text of the name.
func (n Name) String() string { return n.text }

// MarshalText implements encoding.TextMarshaler.
func (n Name) MarshalText() ([]byte, error) { return []byte(n.text), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It accepts any text, because
// another version with other stages may have written it.
func (n *Name) UnmarshalText(text []byte) error {
	n.text = string(text)
	return nil
}
