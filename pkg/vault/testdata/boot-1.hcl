# Boot server 1 may have its own certificates signed, with its own names,
# and nothing else.
path "ca/server/sign/boot-server" {
  capabilities       = ["update"]
  allowed_parameters = {
    "csr"                  = []
    "common_name"          = ["boot-1"]
    "exclude_cn_from_sans" = [true]
    "alt_names"            = ["localhost"]
    "ip_sans"              = ["127.0.0.1,10.69.0.195,10.72.48.1"]
  }
}
path "ca/boot-etcd-peer/sign/boot-etcd-peer" {
  capabilities       = ["update"]
  allowed_parameters = {
    "csr"                  = []
    "common_name"          = ["boot-1"]
    "exclude_cn_from_sans" = [true]
    "ip_sans"              = ["10.69.0.195,10.72.48.1"]
  }
}
path "ca/boot-etcd-client/sign/boot-vault" {
  capabilities       = ["update"]
  allowed_parameters = {
    "csr"                  = []
    "common_name"          = ["vault-1"]
    "exclude_cn_from_sans" = [true]
  }
}
path "ca/boot-etcd-client/sign/boot-neco" {
  capabilities       = ["update"]
  allowed_parameters = {
    "csr"                  = []
    "common_name"          = ["neco-1"]
    "exclude_cn_from_sans" = [true]
  }
}
path "ca/boot-etcd-client/sign/boot-backup" {
  capabilities       = ["update"]
  allowed_parameters = {
    "csr"                  = []
    "common_name"          = ["backup-1"]
    "exclude_cn_from_sans" = [true]
  }
}
path "ca/boot-etcd-client/sign/boot-cke" {
  capabilities       = ["update"]
  allowed_parameters = {
    "csr"                  = []
    "common_name"          = ["cke-1"]
    "exclude_cn_from_sans" = [true]
  }
}
path "ca/boot-etcd-client/sign/boot-etcdpasswd" {
  capabilities       = ["update"]
  allowed_parameters = {
    "csr"                  = []
    "common_name"          = ["etcdpasswd-1"]
    "exclude_cn_from_sans" = [true]
  }
}
path "ca/boot-etcd-client/sign/boot-sabakan" {
  capabilities       = ["update"]
  allowed_parameters = {
    "csr"                  = []
    "common_name"          = ["sabakan-1"]
    "exclude_cn_from_sans" = [true]
  }
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
