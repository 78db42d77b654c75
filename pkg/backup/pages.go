package backup

import (
	"encoding/binary"
	"os"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// kinds of pages: of a tree's inside and of its leaves, the two that say where
// all begins, and the list of free ones.
var kinds = [...]uint16{1, 2, 4, 16}

// checkPages makes sure that every page in use says that it is itself, and does
// not run over the end.  bbolt's own check takes that for granted: it would
// panic, or take all memory.
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
		// A page begins with its number and its kind, in this machine's order.
		var head [10]byte
		if _, err := f.ReadAt(head[:], int64(id)*size); err != nil {
			return corrupt("page %d: %w", id, err)
		}
		if n := binary.NativeEndian.Uint64(head[:]); n != uint64(id) {
			return corrupt("page %d says that it is %d", id, n)
		}
		if kind := binary.NativeEndian.Uint16(head[8:]); !slices.Contains(kinds[:], kind) {
			return corrupt("page %d is of kind %#x", id, kind)
		}
		if last, err := tx.Page(id + page.OverflowCount); err != nil || last == nil {
			return corrupt("page %d goes on for %d pages, behind the end", id, page.OverflowCount)
		}
		id += 1 + page.OverflowCount
	}
}
