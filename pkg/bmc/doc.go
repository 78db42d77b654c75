// Package bmc controls the power and the TPM of machines by the Redfish API of their management
// controllers (BMC).
//
// It owns the requests to BMCs and the decision whether a BMC is the right one: it sends the
// password only to a BMC with the certificate that was kept for the machine. It must not know
// why a machine is switched off, nor where certificates are kept.
package bmc
