package meet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"

	"github.com/cybozu-go/neco/pkg/pki"
	"github.com/cybozu-go/neco/pkg/setup/meet"
)

// memory is a store for keys in memory. A leader must store them on disk.
type memory map[int][]byte

func (m memory) Bind(_ context.Context, lrn int, key []byte) ([]byte, error) {
	if m[lrn] == nil {
		m[lrn] = key
	}
	return m[lrn], nil
}

func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	token := meet.NewToken() // the same on both servers
	home := netip.MustParseAddr("127.0.0.1")

	// On the leader, where meet.Listen opens the port.
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	leader := meet.Server{
		Token: token, LRNs: []int{0, 1, 2}, LRN: 0,
		Addresses: map[int][]netip.Addr{1: {home}, 2: {home}},
		Keys:      memory{},
		Handle: func(_ context.Context, p meet.Peer, method string, _ json.RawMessage) (any, error) {
			return fmt.Sprintf("%s, boot server %d", method, p.LRN), nil
		},
		OnEvent: func(meet.Event) {},
	}
	ended := make(chan error)
	go func() { ended <- leader.Serve(ctx, l) }()

	// On boot server 1.
	key, err := pki.NewKey()
	if err != nil {
		fmt.Println(err)
		return
	}
	member := meet.Member{Token: token, LRNs: []int{0, 1, 2}, Leader: 0, LRN: 1, Key: key, From: home}
	client := meet.NewClient(member, netip.MustParseAddrPort(l.Addr().String()))
	var answer string
	err = client.Call(ctx, "welcome", nil, &answer)
	fmt.Println(answer, err)
	client.Close()

	cancel()
	fmt.Println(<-ended)
	// Output:
	// welcome, boot server 1 <nil>
	// <nil>
}
