package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/cybozu-go/neco"
	"github.com/cybozu-go/neco/internal/weburl"
)

// The limits of one delivery.
const (
	deliveryTimeout = time.Minute      // for all attempts together
	attemptTimeout  = 10 * time.Second // Slack normally answers at once
	minBackoff      = time.Second
	maxBackoff      = 15 * time.Second
)

// Notifier delivers messages. Send blocks until the message is delivered, delivery has
// failed permanently, the Notifier's own time limit has passed, or ctx ends.
type Notifier interface {
	Send(ctx context.Context, m Message) error
}

// Off is a Notifier that delivers nothing, for a configuration without a receiver.
type Off struct{}

// Send does nothing.
func (Off) Send(context.Context, Message) error { return nil }

// Slack delivers messages to one incoming webhook. Anybody who has the webhook's URL
// can write to the channel, so no error and no log contains the URL.
type Slack struct {
	webhook string
	client  *http.Client
}

var (
	_ Notifier = Off{}
	_ Notifier = (*Slack)(nil)
)

// NewSlack returns a Notifier for the webhook. It uses transport, or
// http.DefaultTransport if transport is nil. The error does not contain the webhook's
// URL.
func NewSlack(webhook string, transport http.RoundTripper) (*Slack, error) {
	if _, err := weburl.Parse(webhook); err != nil {
		return nil, fmt.Errorf("slack webhook: %w", err)
	}
	client := &http.Client{
		Transport: transport,
		// Following a redirect would send the URL to the next server as the referrer.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Slack{webhook: webhook, client: client}, nil
}

// Send delivers a message, or returns an error after a minute at most. It retries while
// the server is unavailable or busy, after the pause that the server asks for. It does
// not retry if the server refuses the message. If the response to an attempt is lost, the
// message may arrive twice.
func (s *Slack) Send(ctx context.Context, m Message) error {
	body, err := json.Marshal(payloadOf(m))
	if err != nil {
		return fmt.Errorf("send to slack: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	var last error
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		last = s.attempt(ctx, body)
		return struct{}{}, last
	}, backoff.WithBackOff(spread()), backoff.WithMaxElapsedTime(deliveryTimeout))
	switch {
	case err == nil:
		return nil
	case errors.Is(last, err):
		return fmt.Errorf("send to slack: %w", last)
	default:
		return fmt.Errorf("send to slack: %w (%w)", err, last)
	}
}

// attempt sends the message once.
func (s *Slack) attempt(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.webhook, bytes.NewReader(body))
	if err != nil {
		return backoff.Permanent(errors.New("malformed webhook URL"))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", neco.NecoUserAgent)
	resp, err := s.client.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	resp.Body.Close()
	return judge(resp)
}

// judge returns nil if the response reports success, a permanent error if the message
// is refused, and another error if sending is to be retried.
func judge(resp *http.Response) error {
	err := fmt.Errorf("server answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		if seconds, parseErr := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 31); parseErr == nil {
			return errors.Join(err, backoff.RetryAfter(int(max(seconds, 1))))
		}
		return err
	case code >= 500 || code == http.StatusRequestTimeout:
		return err
	default:
		return backoff.Permanent(err)
	}
}

// withoutURL returns err, an error of net/http, without its URL, which is a secret.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

func spread() backoff.BackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = minBackoff, maxBackoff
	return b
}
