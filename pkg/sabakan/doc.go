// Package sabakan is a client of sabakan, which boots the nodes over the network and keeps
// the inventory of machines: of its REST API and of the two GraphQL operations that Neco
// uses.
//
// It owns the formats of requests and responses, and the source format of ignition
// templates. It must not know what Neco uploads, nor when a request is repeated.
package sabakan
