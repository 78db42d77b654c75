package meet

import (
	"net/netip"
	"sync"
)

// How many connections may be without proof at a time.
const (
	knownPlaces   = 4 // from each of the servers' addresses
	unknownPlaces = 8 // from all other addresses together
)

// doors bounds the connections that have not proved anything.  Strangers
// cannot take the places of the servers.
type doors struct {
	mu    sync.Mutex
	known map[netip.Addr]bool
	used  map[netip.Addr]int // strangers under the zero address
}

func newDoors(addresses map[int][]netip.Addr) *doors {
	d := &doors{known: map[netip.Addr]bool{}, used: map[netip.Addr]int{}}
	for _, addrs := range addresses {
		for _, a := range addrs {
			d.known[a] = true
		}
	}
	return d
}

// enter takes a place, which leave gives back, however often it is called.
func (d *doors) enter(addr netip.Addr) (leave func(), ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	places := knownPlaces
	if !d.known[addr] {
		addr, places = netip.Addr{}, unknownPlaces
	}
	if d.used[addr] >= places {
		return nil, false
	}
	d.used[addr]++
	return sync.OnceFunc(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.used[addr]--
	}), true
}
