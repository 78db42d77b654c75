module github.com/cybozu-go/neco/tools

go 1.26.0
