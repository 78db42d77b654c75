package pki

import (
	"encoding/json"
	"errors"
)

// pair is a CA in JSON, with its certificate and key in PEM.
type pair struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

// MarshalCAs returns CAs with their keys in JSON. The result is not encrypted.
func MarshalCAs(all map[Authority]CA) ([]byte, error) {
	out := map[Authority]pair{}
	for name, ca := range all {
		key, err := ca.KeyPEM()
		if err != nil {
			return nil, err
		}
		out[name] = pair{string(ca.CertPEM()), string(key)}
	}
	return json.Marshal(out)
}

// ParseCAs parses the text that [MarshalCAs] returns. It fails unless the text contains
// all of [Authorities]. The error does not contain the text.
func ParseCAs(plain []byte) (map[Authority]CA, error) {
	var in map[Authority]pair
	if err := json.Unmarshal(plain, &in); err != nil {
		return nil, errors.New("malformed")
	}
	all := map[Authority]CA{}
	for _, a := range Authorities() {
		ca, err := ParseCA(a, []byte(in[a].Certificate), []byte(in[a].Key))
		if err != nil {
			return nil, err
		}
		all[a] = ca
	}
	return all, nil
}
