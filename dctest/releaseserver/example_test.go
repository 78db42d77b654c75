package releaseserver_test

import (
	"fmt"
	"net/http"

	"github.com/cybozu-go/neco/dctest/releaseserver"
)

func Example() {
	s := releaseserver.New(releaseserver.Options{Owner: "cybozu-go", Name: "neco"})
	err := s.Publish(releaseserver.Release{
		Tag:    "release-2022.05.25-1",
		Assets: map[string]string{"neco_2022.05.25-1_amd64.deb": "out/neco.deb"},
	})
	if err != nil {
		fmt.Println(err)
	}
	if err := http.ListenAndServe("127.0.0.1:8080", s); err != nil {
		fmt.Println(err)
	}
}
