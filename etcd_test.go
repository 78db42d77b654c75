package neco

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
)

// keyServer is an etcd server that accepts puts. It sends the key of each put to the
// channel key.
type keyServer struct {
	pb.UnimplementedKVServer
	key chan string
}

func (s *keyServer) Put(_ context.Context, r *pb.PutRequest) (*pb.PutResponse, error) {
	s.key <- string(r.Key)
	return &pb.PutResponse{Header: &pb.ResponseHeader{}}, nil
}

func TestKeysOfTheClientAreRelativeToThePrefix(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	keys := &keyServer{key: make(chan string, 1)}
	srv := grpc.NewServer()
	pb.RegisterKVServer(srv, keys)
	go srv.Serve(l)
	t.Cleanup(srv.Stop)

	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1") // must be ignored
	cfg := &EtcdConfig{Endpoints: []string{"http://" + l.Addr().String()}, Prefix: "/neco/", Timeout: "2s"}
	client, err := cfg.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := client.Put(ctx, "status/current", "x"); err != nil {
		t.Fatal(err)
	}
	if key := <-keys.key; key != "/neco/status/current" {
		t.Errorf("key = %s", key)
	}
}

func TestTheClientDoesNotWaitForEtcd(t *testing.T) {
	cfg := &EtcdConfig{Endpoints: []string{"http://127.0.0.1:1"}, Prefix: "/neco/", Timeout: "2s"}
	client, err := cfg.Client()
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
}

func TestABadCertificateIsNamed(t *testing.T) {
	garbage := tempFile(t, "garbage")
	gone := garbage + "x"
	base := EtcdConfig{Endpoints: []string{"https://127.0.0.1:1"}, Prefix: "/neco/", Timeout: "2s"}
	cases := map[string]struct {
		set  func(*EtcdConfig)
		want string
	}{
		"an authority in a file":     {func(c *EtcdConfig) { c.TLSCAFile = garbage }, "tls-ca-file: " + garbage},
		"an authority that is gone":  {func(c *EtcdConfig) { c.TLSCAFile = garbage + "x" }, "tls-ca-file"},
		"an authority in place":      {func(c *EtcdConfig) { c.TLSCA = "x" }, "tls-ca"},
		"a certificate in files":     {func(c *EtcdConfig) { c.TLSCertFile, c.TLSKeyFile = garbage, garbage }, "tls-cert-file"},
		"a certificate that is gone": {func(c *EtcdConfig) { c.TLSCertFile, c.TLSKeyFile = gone, garbage }, "client: tls-cert-file: open " + gone},
		"a key that is gone":         {func(c *EtcdConfig) { c.TLSCertFile, c.TLSKeyFile = garbage, gone }, "client: tls-key-file: open " + gone},
		"a certificate in place":     {func(c *EtcdConfig) { c.TLSCert, c.TLSKey = "x", "y" }, "tls-cert"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			cfg := base
			c.set(&cfg)
			if _, err := cfg.Client(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Client: %v, want %s in it", err, c.want)
			}
		})
	}
}
