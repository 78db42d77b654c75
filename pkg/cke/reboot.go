package cke

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Node is a node of the Kubernetes cluster.
type Node struct {
	Address      netip.Addr `json:"address"`
	ControlPlane bool       `json:"control_plane"`
}

// Nodes returns the nodes of the Kubernetes cluster; none if CKE has made none yet.
func (c Ckecli) Nodes(ctx context.Context) ([]Node, error) {
	const op = "cluster get"
	out, err := c.run(ctx, nil, op)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var cluster struct {
		Nodes []Node `json:"nodes"`
	}
	if err := yaml.Unmarshal(out, &cluster); err != nil {
		return nil, &Error{Op: op, Err: fmt.Errorf("prints no cluster: %w", err)}
	}
	return cluster.Nodes, nil
}

// Reboots returns the addresses of the nodes in CKE's reboot queue, except in cancelled entries.
func (c Ckecli) Reboots(ctx context.Context) ([]netip.Addr, error) {
	entries, err := c.RebootQueue(ctx)
	var all []netip.Addr
	for _, e := range entries {
		all = append(all, e.Nodes...)
	}
	return all, err
}

// Reboot is an entry of CKE's reboot queue.
type Reboot struct {
	Nodes []netip.Addr `json:"nodes"`
	// Status is queued until CKE begins with the entry.
	Status string `json:"status"`
}

// Begun reports whether CKE has begun with the entry.
func (r Reboot) Begun() bool { return r.Status != "queued" }

// RebootQueue returns the entries of CKE's reboot queue, except cancelled ones. CKE removes an entry
// when its nodes have restarted, or when it has given them up.
func (c Ckecli) RebootQueue(ctx context.Context) ([]Reboot, error) {
	const op = "reboot-queue list"
	out, err := c.run(ctx, nil, op)
	if err != nil {
		return nil, err
	}
	var entries []Reboot
	if err := json.Unmarshal(out, &entries); err != nil { // null without entries
		return nil, &Error{Op: op, Err: fmt.Errorf("prints no queue: %w", err)}
	}
	return slices.DeleteFunc(entries, func(r Reboot) bool { return r.Status == "cancelled" }), nil
}

// AddReboot adds an entry with these nodes, at least one, to CKE's reboot queue. CKE restarts them
// together.
func (c Ckecli) AddReboot(ctx context.Context, nodes []netip.Addr) error {
	if len(nodes) == 0 { // ckecli would make an empty entry
		return errors.New("no nodes for the reboot queue of CKE")
	}
	var text strings.Builder
	for _, n := range nodes {
		fmt.Fprintln(&text, n)
	}
	_, err := c.run(ctx, []byte(text.String()), "reboot-queue add -")
	return err
}
