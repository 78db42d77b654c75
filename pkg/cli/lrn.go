package cli

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/lrn"
)

// parseLRNs parses args, which are logical rack numbers (LRNs).
func parseLRNs(args []string) ([]int, error) {
	var lrns []int
	for _, arg := range args {
		lrn, err := parseLRN(arg)
		if err != nil {
			return nil, err
		}
		lrns = append(lrns, lrn)
	}
	return lrns, nil
}

// parseLRN parses a logical rack number. It accepts no leading zeros and no sign.
func parseLRN(text string) (int, error) {
	n, err := lrn.Parse(text)
	return n, hint(err, "give a number such as 2")
}

// ownLRN returns the logical rack number of this boot server, from neco.RackFile.
func ownLRN(env *Env) (int, error) {
	data, err := env.FS.Read(neco.RackFile)
	if errors.Is(err, fs.ErrPermission) {
		return 0, err
	}
	if err != nil {
		return 0, hint(err, "is this a boot server? The file holds its logical rack number, such as 0")
	}
	text := string(data)
	if n := len(text); n > 0 && text[n-1] == '\n' {
		text = text[:n-1]
	}
	n, err := lrn.Parse(text)
	if err != nil {
		return 0, hint(fmt.Errorf("%s: %w", neco.RackFile, err), "the file holds the logical rack number of this boot server, such as 0")
	}
	return n, nil
}
