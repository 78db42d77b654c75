module github.com/cybozu-go/neco/debian/tools/cke

go 1.26.0

tool (
	github.com/cybozu-go/cke/pkg/cke
	github.com/cybozu-go/cke/pkg/cke-localproxy
	github.com/cybozu-go/cke/pkg/ckecli
)

require github.com/cybozu-go/cke v1.22.5
