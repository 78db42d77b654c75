package backup

import (
	"encoding/binary"
	"os"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// kinds are the types of pages in a database of bbolt: branch, leaf, meta and freelist.
var kinds = [...]uint16{1, 2, 4, 16}

// checkPages checks that every page in use contains its own number and a known type,
// and does not extend beyond the end of the file. It must run before bbolt's own check,
// which would panic or exhaust the memory if a page violated these conditions.
func checkPages(file string, tx *bolt.Tx) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	size := int64(tx.DB().Info().PageSize)
	for id := 0; ; {
		page, err := tx.Page(id)
		if err != nil || page == nil {
			return err
		}
		if page.Type == "free" {
			id++
			continue
		}
		// A page begins with its number and its type, in native byte order.
		var head [10]byte
		if _, err := f.ReadAt(head[:], int64(id)*size); err != nil {
			return corrupt("page %d: %w", id, err)
		}
		if n := binary.NativeEndian.Uint64(head[:]); n != uint64(id) {
			return corrupt("page %d has the number %d", id, n)
		}
		if kind := binary.NativeEndian.Uint16(head[8:]); !slices.Contains(kinds[:], kind) {
			return corrupt("page %d has the unknown type %#x", id, kind)
		}
		if last, err := tx.Page(id + page.OverflowCount); err != nil || last == nil {
			return corrupt("page %d continues for %d pages, beyond the end", id, page.OverflowCount)
		}
		id += 1 + page.OverflowCount
	}
}
