package neco

import (
	"encoding/binary"
	"fmt"
	"net"
)

const (
	node0Base    = 10<<24 | 69<<16 // 10.69.0.0
	node0PerRack = 192             // number of addresses of a rack: three subnets of 64
	node0Boot    = 3               // index of the boot server in the first subnet
)

// BootNode0IP returns the address of the boot server with the logical rack number (LRN)
// lrn at which other servers reach it: the address of its interface node0.
func BootNode0IP(lrn int) net.IP {
	ip := make(net.IP, net.IPv4len)
	binary.BigEndian.PutUint32(ip, uint32(node0Base+node0PerRack*lrn+node0Boot))
	return ip
}

// EtcdEndpoints returns the client URLs of the etcd members on the boot
// servers lrns, in the same order.
func EtcdEndpoints(lrns []int) []string {
	endpoints := make([]string, len(lrns))
	for i, lrn := range lrns {
		endpoints[i] = fmt.Sprintf("https://%s:2379", BootNode0IP(lrn))
	}
	return endpoints
}
