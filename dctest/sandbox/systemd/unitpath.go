package systemd

import (
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"
)

// unitPath returns the D-Bus object path of a unit.
func unitPath(name string) dbus.ObjectPath {
	var b strings.Builder
	b.WriteString(unitPathStart)
	for i := range len(name) {
		c := name[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if letter || (c >= '0' && c <= '9' && i > 0) {
			b.WriteByte(c)
			continue
		}
		b.WriteString("_" + hexByte(c))
	}
	return dbus.ObjectPath(b.String())
}

func hexByte(c byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[c>>4], digits[c&15]})
}

// unitOfPath returns the name of the unit that has the D-Bus object path p. The second
// result is false if p is not the path of a unit.
func unitOfPath(p dbus.ObjectPath) (string, bool) {
	rest, ok := strings.CutPrefix(string(p), unitPathStart)
	if !ok {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(rest); i++ {
		if rest[i] == '_' && i+2 < len(rest) {
			n, err := strconv.ParseUint(rest[i+1:i+3], 16, 8)
			if err != nil {
				return "", false
			}
			b.WriteByte(byte(n))
			i += 2
			continue
		}
		b.WriteByte(rest[i])
	}
	return b.String(), true
}
