package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Certificates is what a boot server reports about its certificates.
type Certificates struct {
	// Purpose is the profile and NotAfter the end of validity of the certificate that
	// expires first.
	Purpose  string    `json:"purpose"`
	NotAfter time.Time `json:"not_after"`
	// Error is why the certificates cannot be renewed; empty if they can.
	Error string `json:"error,omitempty"`
	// Since is when this report was first written with the same Purpose, NotAfter and
	// Error.
	Since time.Time `json:"since"`
}

// same reports whether c and b are equal, disregarding Since.
func (c Certificates) same(b Certificates) bool {
	return c.Purpose == b.Purpose && c.NotAfter.Equal(b.NotAfter) && c.Error == b.Error
}

func certificatesKey(lrn int) string { return KeyCerts + strconv.Itoa(lrn) }

// PutCertificates writes the report c of the boot server lrn. It does nothing if the
// stored report differs only in Since, or if lrn is not registered.
func (s *Storage) PutCertificates(ctx context.Context, lrn int, c Certificates) error {
	key := certificatesKey(lrn)
	res, err := s.etcd.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	if len(res.Kvs) == 1 {
		if old, err := decodeCertificates(res.Kvs[0].Value, res.Kvs[0].ModRevision); err == nil && old.same(c) {
			return nil
		}
	}
	value, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return s.PutOfServer(ctx, lrn, key, string(value))
}

func decodeCertificates(data []byte, _ int64) (Certificates, error) {
	var c Certificates
	if err := decode(data, &c); err != nil {
		return c, err
	}
	if c.Purpose == "" && c.Error == "" {
		return c, errors.New("it has no purpose")
	}
	return c, nil
}
