# Operators: who may log in and do what, and what other programs keep in Vault.
path "sys/*" {
  capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"]
}
path "auth/*" {
  capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"]
}
path "identity/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}
path "cke/*" {
  capabilities = ["create", "read", "update", "patch", "delete", "list", "sudo"]
}
