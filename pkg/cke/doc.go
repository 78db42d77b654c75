// Package cke sets the cluster template of CKE, from which CKE builds the Kubernetes
// cluster, with CKE's command ckecli.
//
// It owns the calls of ckecli, the formats of its output, and what Neco writes into the
// template of the package. It must not know when the template is set.
package cke
