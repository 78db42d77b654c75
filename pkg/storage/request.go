package storage

import (
	"errors"
	"fmt"

	"github.com/cybozu-go/neco/pkg/update"
)

// decodeRequest returns the request in data, the value of status/current, which was
// written at revision rev.
func decodeRequest(data []byte, rev int64) (*update.Request, error) {
	r := &update.Request{}
	if err := decode(data, r); err != nil {
		return nil, err
	}
	switch {
	case r.Version == "":
		return nil, errors.New("it has no version")
	case len(r.Servers) == 0:
		return nil, errors.New("it has no servers")
	case r.StartedAt.IsZero():
		return nil, errors.New("it has no started_at")
	}
	for _, lrn := range r.Servers {
		if lrn < 0 {
			return nil, fmt.Errorf("server %d is negative", lrn)
		}
	}
	r.Rev = rev
	r.Unknown = unknownFields(data, *r)
	return r, nil
}

// encodeRequest returns the value of status/current for r. It keeps fields of r that
// are unknown to this version.
func encodeRequest(r *update.Request) (string, error) {
	data, err := encode(r, r.Unknown)
	return string(data), err
}
