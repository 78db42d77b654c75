package notify_test

import (
	"context"
	"fmt"

	"github.com/cybozu-go/neco/pkg/notify"
)

func ExampleSlack() {
	slack, err := notify.NewSlack("https://hooks.slack.com/services/T/B/X", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	run := notify.Run{Cluster: "stage0", Version: "2022.05.25-1", Servers: []int{0, 1, 2}}
	if err := slack.Send(context.Background(), notify.Begin(run, "new release")); err != nil {
		fmt.Println(err)
	}
}
