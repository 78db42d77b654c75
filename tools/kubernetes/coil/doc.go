// Package coil describes the custom resources of Coil, from which controller-gen makes
// their definitions in etc/coil.yaml.
//
// +groupName=coil.cybozu.com
// +versionName=v2
// +kubebuilder:object:generate=false
package coil
