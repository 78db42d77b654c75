// Package userresource replaces the placeholders in user resources, the files of
// Kubernetes objects that CKE applies to its cluster.
//
// It owns the syntax of placeholders, because CKE has none. It must not know which values
// exist, and imports no other package of Neco, so that tools/kubernetes can use it.
package userresource
