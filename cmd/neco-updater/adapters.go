package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/pkg/host"
	"github.com/cybozu-go/neco/pkg/notify"
	"github.com/cybozu-go/neco/pkg/release"
	"github.com/cybozu-go/neco/pkg/storage"
	"github.com/cybozu-go/neco/pkg/updater"
)

// finder searches for releases with the proxy and the GitHub token in the
// configuration. It keeps its client while these settings are unchanged, because the
// client caches responses.
type finder struct {
	log       *slog.Logger
	config    storage.Config
	transport *http.Transport
	finder    *release.Finder
	client    *http.Client
	// checked is the package whose digest was downloaded last. Its digest is not
	// downloaded again.
	checked release.Asset
}

var _ updater.Finder = (*finder)(nil)

func (f *finder) Newest(ctx context.Context, c storage.Config, bad map[string]storage.BadRelease) (updater.Found, error) {
	if c.Env == neco.TestEnv {
		return updater.Found{Version: release.TestVersion}, nil
	}
	if err := f.open(c); err != nil {
		return updater.Found{}, err
	}
	channel := release.Channel(c.Env)
	got, err := f.finder.Newest(ctx, channel, func(v release.Version) bool {
		_, marked := bad[v.String()]
		return marked
	})
	found := updater.Found{Skipped: got.Future}
	if errors.Is(err, release.ErrNoRelease) {
		return found, nil
	}
	if err != nil {
		return found, err
	}
	if err := f.check(ctx, channel, got.Newest); err != nil {
		return found, err
	}
	found.Version = got.Newest.String()
	return found, nil
}

// check returns an error if the release v cannot be installed, for example because its
// package or its checksum is missing. The search then fails before an update to v
// starts.
func (f *finder) check(ctx context.Context, channel release.Channel, v release.Version) error {
	asset, err := f.finder.FindAsset(ctx, channel, v)
	if err != nil || asset == f.checked {
		return err
	}
	if err := release.CheckSum(ctx, f.client, asset); err != nil {
		return fmt.Errorf("check release %s: %w", v, err)
	}
	f.checked = asset
	return nil
}

// open makes a client with the settings of c, unless the current client has the same
// proxy and GitHub token.
func (f *finder) open(c storage.Config) error {
	if f.finder != nil && c.Proxy == f.config.Proxy && c.GitHubToken == f.config.GitHubToken {
		return nil
	}
	transport, err := host.NewTransport(c.Proxy)
	if err != nil {
		return err
	}
	if f.transport != nil {
		f.transport.CloseIdleConnections()
	}
	f.config, f.transport = c, transport
	f.finder, f.client = release.Open(transport, c.GitHubToken, f.log)
	return nil
}

// notifier sends notices to Slack. It does nothing unless Slack is configured.
type notifier struct{ cluster string }

var _ updater.Notifier = notifier{}

func (n notifier) Notify(ctx context.Context, c storage.Config, notice updater.Notice) error {
	if c.Slack == "" {
		return nil
	}
	transport, err := host.NewTransport(c.Proxy)
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	slack, err := notify.NewSlack(c.Slack, transport)
	if err != nil {
		return err
	}
	return slack.Send(ctx, n.message(notice))
}

func (n notifier) message(notice updater.Notice) notify.Message {
	r := notify.Run{Cluster: n.cluster, Version: notice.Version, Servers: notice.Servers, StartedAt: notice.StartedAt}
	switch notice.Kind {
	case updater.KindComplete:
		return notify.Complete(r, notice.Detail)
	case updater.KindAbort:
		return notify.Abort(r, notice.Detail)
	case updater.KindTimeout:
		return notify.Timeout(r, notice.Detail)
	case updater.KindStopped:
		return notify.Stopped(r, notice.Detail)
	case updater.KindAbsent:
		return notify.Waiting(r, notice.Absent, notice.Since)
	default:
		return notify.Begin(r, notice.Detail)
	}
}
