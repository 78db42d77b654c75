package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// etcd is a store in etcd, which all servers share.
type etcd struct {
	client *clientv3.Client
	prefix string
}

func openEtcd(c Config) (Store, error) {
	timeout := 2 * time.Second
	if c.Timeout != "" {
		var err error
		if timeout, err = time.ParseDuration(c.Timeout); err != nil {
			return nil, fmt.Errorf("read etcd timeout: %w", err)
		}
	}
	conf := clientv3.Config{
		Endpoints: c.Endpoints, Username: c.Username, Password: c.Password, Logger: zap.NewNop(),
		DialTimeout: timeout, DialKeepAliveTime: 5 * time.Second, DialKeepAliveTimeout: 3 * time.Second,
	}
	if strings.HasPrefix(c.Endpoints[0], "https:") {
		var err error
		if conf.TLS, err = c.tls(); err != nil {
			return nil, err
		}
	}
	client, err := clientv3.New(conf)
	if err != nil {
		return nil, fmt.Errorf("connect to etcd: %w", err)
	}
	return &etcd{client, c.Prefix}, nil
}

// tls returns a TLS configuration that reads the certificate from its files for each
// connection, because the certificate may have been renewed.
func (c Config) tls() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	ca := []byte(c.CA)
	if c.CAFile != "" {
		var err error
		if ca, err = os.ReadFile(c.CAFile); err != nil {
			return nil, err
		}
	}
	if len(ca) > 0 {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(ca) {
			return nil, fmt.Errorf("read etcd's CA: no certificate")
		}
	}
	conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if c.CertFile != "" {
			pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
			return &pair, err
		}
		if c.Cert == "" {
			return &tls.Certificate{}, nil
		}
		pair, err := tls.X509KeyPair([]byte(c.Cert), []byte(c.Key))
		return &pair, err
	}
	return conf, nil
}

func (e *etcd) Get(ctx context.Context, key string) (Pair, error) {
	resp, err := e.client.Get(ctx, e.prefix+key)
	if err != nil {
		return Pair{}, err
	}
	if len(resp.Kvs) == 0 {
		return Pair{}, ErrNotFound
	}
	return Pair{key, resp.Kvs[0].Value, resp.Kvs[0].ModRevision}, nil
}

func (e *etcd) List(ctx context.Context, prefix string) ([]Pair, error) {
	resp, err := e.client.Get(ctx, e.prefix+prefix, clientv3.WithPrefix())
	if err != nil {
		return nil, err
	}
	var pairs []Pair
	for _, kv := range resp.Kvs {
		pairs = append(pairs, Pair{strings.TrimPrefix(string(kv.Key), e.prefix), kv.Value, kv.ModRevision})
	}
	return pairs, nil
}

func (e *etcd) Create(ctx context.Context, values map[string][]byte) error {
	var conds []clientv3.Cmp
	var ops []clientv3.Op
	for key, value := range values {
		conds = append(conds, clientv3.Compare(clientv3.CreateRevision(e.prefix+key), "=", 0))
		ops = append(ops, clientv3.OpPut(e.prefix+key, string(value)))
	}
	return e.commit(ctx, ErrExists, conds, ops)
}

func (e *etcd) Update(ctx context.Context, key string, rev int64, value []byte) error {
	return e.commit(ctx, ErrConflict,
		[]clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(e.prefix+key), "=", rev)},
		[]clientv3.Op{clientv3.OpPut(e.prefix+key, string(value))})
}

func (e *etcd) Delete(ctx context.Context, keys ...string) error {
	var ops []clientv3.Op
	for _, key := range keys {
		ops = append(ops, clientv3.OpDelete(e.prefix+key))
	}
	return e.commit(ctx, nil, nil, ops)
}

func (e *etcd) commit(ctx context.Context, failed error, conds []clientv3.Cmp, ops []clientv3.Op) error {
	if len(ops) == 0 {
		return nil
	}
	resp, err := e.client.Txn(ctx).If(conds...).Then(ops...).Commit()
	if err != nil {
		return err
	}
	if !resp.Succeeded {
		return failed
	}
	return nil
}
