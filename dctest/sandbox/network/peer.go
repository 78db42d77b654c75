package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// peerHeader is the HTTP header with the ID of the etcd member that sends a request.
const peerHeader = "X-Server-From"

// headerTimeout is how long the proxy waits for the header of a member's request before
// it closes the connection.
const headerTimeout = 10 * time.Second

// ServePeers accepts the requests of other etcd members on l and forwards them to the
// member at the address target, which is on the server to. It holds a request back while
// the link between the two members' servers is cut.
//
// The function server returns the server of the member with a given ID. A request without
// a known ID, such as a probe, is treated as coming from the internet. ServePeers blocks
// until ctx is done, and then closes all connections.
func (s *Partition) ServePeers(ctx context.Context, l net.Listener, target string, to int, server func(id string) (int, bool)) error {
	p := &peers{partition: s, to: to, server: server}
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	defer transport.CloseIdleConnections()
	p.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: target})
			r.Out.Host = r.In.Host
		},
		Transport:      transport,
		FlushInterval:  -1, // members stream to each other
		ModifyResponse: p.gate,
		ErrorLog:       log.New(io.Discard, "", 0),
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	srv := &http.Server{
		Handler: p, ReadHeaderTimeout: headerTimeout, ErrorLog: log.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("forward peers to %s: %w", target, err)
	}
	return nil
}

// peers is the proxy through which other etcd members reach one member.
type peers struct {
	partition *Partition
	to        int
	server    func(id string) (int, bool)
	proxy     *httputil.ReverseProxy
}

// wait blocks while the link between the server of the etcd member sender and the server
// p.to is cut. Each call looks up the sender's server again, because streams start before
// all members are known.
func (p *peers) wait(ctx context.Context, sender string) error {
	from, known := p.server(sender)
	if !known {
		from = Internet // cut only with the target
	}
	return p.partition.Wait(ctx, Between(from, p.to))
}

func (p *peers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sender := r.Header.Get(peerHeader)
	if p.wait(r.Context(), sender) != nil {
		return
	}
	if r.Body != nil && r.ContentLength != 0 {
		r.Body = gatedBody{r.Context(), p, r.Body, sender}
	}
	p.proxy.ServeHTTP(w, r)
}

// gate holds back the response while the link is cut.
func (p *peers) gate(res *http.Response) error {
	ctx, sender := res.Request.Context(), res.Request.Header.Get(peerHeader)
	if err := p.wait(ctx, sender); err != nil {
		return err
	}
	res.Body = gatedBody{ctx, p, res.Body, sender}
	return nil
}

// gatedBody is the body of a request or response. Its reads wait while the link is cut.
type gatedBody struct {
	ctx   context.Context // of the request
	peers *peers
	io.ReadCloser
	sender string
}

func (b gatedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if wait := b.peers.wait(b.ctx, b.sender); wait != nil {
		return 0, wait
	}
	return n, err
}
