package release_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/release"
)

// Example finds the newest release and stores its package on disk.
func Example() {
	ctx := context.Background()
	client := neco.NewGitHubClient(&http.Client{Transport: release.NewTransport(nil)})
	finder := release.NewFinder(client, neco.GitHubRepoOwner, neco.GitHubRepoName, slog.Default())
	stager := release.Stager{Finder: finder, Channel: release.Prod, Client: &http.Client{}, Dir: "/var/lib/neco/packages"}

	found, err := finder.Newest(ctx, release.Prod, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	staged, err := stager.Stage(ctx, found.Newest)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(staged.Path)
}

func ExampleVersion_Compare() {
	older, _ := release.Parse("2022.05.25-30")
	newer, _ := release.ParseTag("release-2022.05.26-1")
	fmt.Println(newer, "is newer:", newer.Compare(older) > 0)
	// Output: 2022.05.26-1 is newer: true
}
