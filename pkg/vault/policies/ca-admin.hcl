# Operators: the certificate authorities of the boot servers.
path "ca/*" {
  capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"]
}
