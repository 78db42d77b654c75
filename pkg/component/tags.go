package component

// maxTags is the maximum length in bytes of the message in which serf encodes a
// member's tags as msgpack. headOfTags is the length of the head of that message: one
// byte for the kind of message and up to three for the number of tags. headOfValue is
// the maximum length of the head of each name and value.
const (
	maxTags     = 512
	headOfTags  = 1 + 3
	headOfValue = 3
)

// The names of the tags that change while serf runs, and the maximum lengths of their
// values.
const (
	tagUptime  = "uptime"
	tagVersion = "version"
	tagFailed  = "systemd-units-failed"

	maxUptime = len("2026-11-28 12:34:56")
	// MaxVersionTag is the maximum length of the neco package's version in its tag.
	MaxVersionTag = 40
	maxFailedTag  = 300
)

// SerfTags returns the tags of a boot server that are in the configuration of serf
// because they do not change while serf runs.
func SerfTags(t Target) map[string]string {
	return map[string]string{
		"os-name": t.Facts.OSName, "os-version": t.Facts.OSVersion,
		"serial": t.Facts.Serial, "boot-server": "true",
	}
}

// RoomForFailedUnits returns how many bytes serf's message has left for the names of
// failed units, beside all other tags of the boot server. The result is negative if the
// other tags alone are too long.
func RoomForFailedUnits(t Target) int {
	room := maxTags - 1 - headOfTags - tagSize(tagUptime, maxUptime) - tagSize(tagVersion, MaxVersionTag) - tagSize(tagFailed, 0)
	for name, value := range SerfTags(t) {
		room -= tagSize(name, len(value))
	}
	return min(room, maxFailedTag)
}

func tagSize(name string, value int) int { return headOfValue + len(name) + headOfValue + value }
