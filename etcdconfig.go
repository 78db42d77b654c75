package neco

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/internal/weburl"
)

// etcdTimeout is the timeout of a connection attempt if the configuration sets none.
const etcdTimeout = 2 * time.Second

// minEtcdTimeout and maxEtcdTimeout are the limits of the timeout in a configuration
// file.
const (
	minEtcdTimeout = time.Millisecond
	maxEtcdTimeout = time.Hour
)

// EtcdConfig is the configuration of an etcd client. NecoConfFile contains it as YAML,
// and so do the configuration files of CKE and etcdpasswd.
type EtcdConfig struct {
	// Endpoints are the client URLs of the etcd members. There must be at least one.
	Endpoints []string `json:"endpoints"`

	// Prefix is the prefix of all keys of the client. The default is NecoPrefix.
	Prefix string `json:"prefix"`

	// Timeout is the timeout of a connection attempt, in the format of
	// time.ParseDuration. The default is "2s".
	Timeout string `json:"timeout"`

	// Username and Password authenticate a client that has no certificate.
	Username string `json:"username"`
	Password string `json:"password"`

	// TLSCAFile is a file with the certificates of the CAs that sign the members'
	// certificates; TLSCA is its contents instead, in PEM. The default is the system's
	// CA store.
	TLSCAFile string `json:"tls-ca-file"`
	TLSCA     string `json:"tls-ca"`

	// TLSCertFile and TLSKeyFile are the files of the client's certificate and key, and
	// are read again at each handshake. TLSCert and TLSKey are the contents instead, in
	// PEM.
	TLSCertFile string `json:"tls-cert-file"`
	TLSCert     string `json:"tls-cert"`
	TLSKeyFile  string `json:"tls-key-file"`
	TLSKey      string `json:"tls-key"`
}

// LoadEtcdConfig reads the configuration file at path. An error contains the path and
// the name of an unknown or invalid field, but never the value of a secret.
func LoadEtcdConfig(path string) (*EtcdConfig, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read etcd configuration: %w", err)
	}
	cfg := &EtcdConfig{Prefix: NecoPrefix, Timeout: etcdTimeout.String()}
	if err := yaml.UnmarshalStrict(data, cfg); err != nil {
		return nil, fmt.Errorf("read etcd configuration: %s: %w", path, plainYAMLError(err))
	}
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("read etcd configuration: %s: %w", path, err)
	}
	return cfg, nil
}

// plainYAMLError returns err without the prefixes that the YAML and JSON decoders add
// to its text.
func plainYAMLError(err error) error {
	if mismatch := (*json.UnmarshalTypeError)(nil); errors.As(err, &mismatch) {
		return typeError(mismatch)
	}
	msg := err.Error()
	for _, layer := range []string{"error unmarshaling JSON: ", "error converting YAML to JSON: ", "while decoding JSON: ", "json: ", "yaml: "} {
		msg = strings.TrimPrefix(msg, layer)
	}
	return errors.New(msg)
}

// typeError returns an error with the name of a field, the YAML type of its value, and
// the type that it must have.
func typeError(e *json.UnmarshalTypeError) error {
	given := map[string]string{"array": "list", "object": "mapping", "bool": "boolean"}[e.Value]
	if given == "" {
		given, _, _ = strings.Cut(e.Value, " ") // "number 2" shows the value
	}
	wanted := e.Type.Kind().String()
	switch e.Type.Kind() {
	case reflect.Slice:
		wanted = "list"
	case reflect.Struct:
		return fmt.Errorf("it is a %s; it has to be a mapping, such as endpoints: [https://HOST:2379]", given)
	}
	return fmt.Errorf("%s: it is a %s, and has to be a %s", e.Field, given, wanted)
}

func (c *EtcdConfig) validate() error {
	if len(c.Endpoints) == 0 {
		return errors.New("endpoints: none given")
	}
	for i, e := range c.Endpoints {
		if err := checkEndpoint(e); err != nil {
			return fmt.Errorf("endpoints: number %d is not http://HOST:PORT or https://HOST:PORT: %w", i+1, err)
		}
	}
	if !strings.HasPrefix(c.Prefix, "/") || !strings.HasSuffix(c.Prefix, "/") {
		return fmt.Errorf("prefix: %q does not begin and end with a slash", c.Prefix)
	}
	if _, err := duration.Parse(c.Timeout, minEtcdTimeout, maxEtcdTimeout); err != nil {
		return fmt.Errorf("timeout: %q: %w; it takes %s", c.Timeout, err, duration.Range(minEtcdTimeout, maxEtcdTimeout))
	}
	return c.validateTLS()
}

// checkEndpoint returns an error if e is not the URL of an etcd member. The error does
// not contain e, which may include a password.
func checkEndpoint(e string) error {
	u, err := weburl.Parse(e)
	if err == nil && u.User != nil {
		return errors.New("give user and password in the fields username and password")
	}
	switch {
	case err != nil:
		return err
	case u.Port() == "":
		return errors.New("it has no port")
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		return errors.New("it continues after the port")
	}
	return nil
}

func (c *EtcdConfig) validateTLS() error {
	for _, pair := range []struct {
		field, file, pem string
	}{
		{"tls-ca", c.TLSCAFile, c.TLSCA},
		{"tls-cert", c.TLSCertFile, c.TLSCert},
		{"tls-key", c.TLSKeyFile, c.TLSKey},
	} {
		if pair.file != "" && pair.pem != "" {
			return fmt.Errorf("%s: given together with %s-file", pair.field, pair.field)
		}
	}
	if (c.TLSCertFile == "") != (c.TLSKeyFile == "") {
		return errors.New("tls-cert-file and tls-key-file: only one of them is given")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("tls-cert and tls-key: only one of them is given")
	}
	return nil
}
