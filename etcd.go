package neco

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/namespace"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/cybozu-go/neco/internal/duration"
)

// etcdKeepAliveTime is the time without traffic after which the client probes a
// connection; it closes the connection if no response arrives within
// etcdKeepAliveTimeout. grpc raises etcdKeepAliveTime to its own minimum of 10 s, so
// the client leaves a dead member after 13 s at most.
const (
	etcdKeepAliveTime    = 5 * time.Second
	etcdKeepAliveTimeout = 3 * time.Second
)

// etcdReconnect is the maximum pause between two connection attempts. With grpc's own
// maximum, a client could notice up to two minutes late that etcd is available again.
var etcdReconnect = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second},
	MinConnectTimeout: 3 * time.Second,
}

// EtcdClient returns a client for Neco's own keys, with the configuration in
// NecoConfFile. The caller must close the client.
func EtcdClient() (*clientv3.Client, error) {
	cfg, err := LoadEtcdConfig(NecoConfFile)
	if err != nil {
		return nil, err
	}
	return cfg.Client()
}

// Client returns an etcd client. Its KV, Watcher and Lease add the configured prefix to
// every key, so they access no other keys. Client does not wait for etcd, unless a
// username is configured: then it authenticates within the configured timeout. It
// ignores proxies in the environment. The caller must close the client.
func (c *EtcdConfig) Client() (*clientv3.Client, error) {
	timeout, err := duration.Parse(c.Timeout, minEtcdTimeout, maxEtcdTimeout)
	if err != nil {
		return nil, fmt.Errorf("etcd client: timeout: %w", err)
	}
	tlsConfig, err := c.tlsConfig()
	if err != nil {
		return nil, fmt.Errorf("etcd client: %w", err)
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints:            c.Endpoints,
		DialTimeout:          timeout,
		DialKeepAliveTime:    etcdKeepAliveTime,
		DialKeepAliveTimeout: etcdKeepAliveTimeout,
		DialOptions:          []grpc.DialOption{grpc.WithNoProxy(), grpc.WithConnectParams(etcdReconnect)},
		TLS:                  tlsConfig,
		Username:             c.Username,
		Password:             c.Password,
		Logger:               zap.NewNop(), // errors are returned
	})
	if err != nil {
		return nil, fmt.Errorf("etcd client: %w", err)
	}
	client.KV = namespace.NewKV(client.KV, c.Prefix)
	client.Watcher = namespace.NewWatcher(client.Watcher, c.Prefix)
	client.Lease = namespace.NewLease(client.Lease, c.Prefix)
	return client, nil
}

// tlsConfig returns the TLS configuration of the client, or nil if no endpoint needs
// TLS.
func (c *EtcdConfig) tlsConfig() (*tls.Config, error) {
	needed := slices.ContainsFunc(c.Endpoints, func(e string) bool { return strings.HasPrefix(e, "https://") })
	if !needed {
		return nil, nil
	}
	roots, err := c.roots()
	if err != nil {
		return nil, err
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	if c.TLSCertFile == "" && c.TLSCert == "" {
		return cfg, nil
	}
	if _, err := c.certificate(); err != nil {
		return nil, err
	}
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return c.certificate()
	}
	return cfg, nil
}

func (c *EtcdConfig) roots() (*x509.CertPool, error) {
	pem := []byte(c.TLSCA)
	field := "tls-ca"
	if c.TLSCAFile != "" {
		field = "tls-ca-file: " + c.TLSCAFile
		data, err := os.ReadFile(c.TLSCAFile)
		if err != nil {
			return nil, fmt.Errorf("tls-ca-file: %w", err)
		}
		pem = data
	}
	if len(pem) == 0 {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New(field + ": no certificate in it")
	}
	return pool, nil
}

func (c *EtcdConfig) certificate() (*tls.Certificate, error) {
	if c.TLSCertFile == "" {
		cert, err := tls.X509KeyPair([]byte(c.TLSCert), []byte(c.TLSKey))
		if err != nil {
			return nil, fmt.Errorf("tls-cert and tls-key: %w", err)
		}
		return &cert, nil
	}
	cert, err := os.ReadFile(c.TLSCertFile)
	if err != nil {
		return nil, fmt.Errorf("tls-cert-file: %w", err)
	}
	key, err := os.ReadFile(c.TLSKeyFile)
	if err != nil {
		return nil, fmt.Errorf("tls-key-file: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("tls-cert-file %s and tls-key-file %s: %w", c.TLSCertFile, c.TLSKeyFile, err)
	}
	return &pair, nil
}
