// Package cke sets the cluster template of CKE, from which CKE builds the Kubernetes
// cluster, and the user resources, which CKE applies to that cluster, with CKE's command
// ckecli.
//
// It owns the calls of ckecli, the formats of its output, and what Neco writes into the
// files of the package. It must not know when they are set.
package cke
