package storage

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cybozu-go/neco"
	durations "github.com/cybozu-go/neco/internal/duration"
	"github.com/cybozu-go/neco/internal/suggest"
	"github.com/cybozu-go/neco/internal/weburl"
	"github.com/cybozu-go/neco/pkg/releasetime"
)

// ConfigKey describes one configuration key.
type ConfigKey struct {
	// Name is the name of the key on the command line.
	Name string
	// Key is the key in etcd, below config/.
	Key string
	// Value describes the accepted values, and Help is what the key is for.
	Value, Help string
	// Default is the value that applies if the key is not set, as text for people.
	Default string
	// Secret means that the value is a secret: it is read from the environment variable
	// Env or from standard input, never from the command line, and is not printed.
	Secret bool
	Env    string
	// URL means that the value is a URL and may contain a password. A value with an "@"
	// is refused on the command line, and an invalid value is not printed.
	URL bool
	// Choices lists the accepted values, if they are few.
	Choices []string

	parse  func(string) (string, error)
	format func(string) (string, error)
	// set stores a valid value or Default, given as text, in Config. It is unused for keys
	// that are not in Config.
	set func(*Config, string)
}

// Parse converts text, as an operator writes it, to the stored value. The error names the
// key and the accepted values.
func (k ConfigKey) Parse(text string) (string, error) {
	v, err := k.check(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", k.Name, err)
	}
	return v, nil
}

// check validates and converts text like [ConfigKey.Parse], but its error does not name
// the key.
func (k ConfigKey) check(text string) (string, error) {
	v, err := k.parse(text)
	switch {
	case err == nil:
		return v, nil
	case k.Secret:
		return "", fmt.Errorf("not accepted; it takes %s", k.Value)
	case k.URL:
		return "", fmt.Errorf("%w; it takes %s", err, k.Value)
	case strings.HasSuffix(err.Error(), "?"):
		return "", fmt.Errorf("%q: %w", text, err)
	}
	return "", fmt.Errorf("%q: %w; it takes %s", text, err, k.Value)
}

// CheckArgument returns an error if text must not be given on the command line, because
// it is a secret or a URL with a user name. Every user of the host can read command
// lines.
func (k ConfigKey) CheckArgument(text string) error {
	switch {
	case k.Secret:
		return fmt.Errorf("%s is a secret, and everybody on this host can read arguments", k.Name)
	case k.URL && strings.Contains(text, "@"):
		return fmt.Errorf("%s: it has a user name or a password, and everybody on this host can read arguments", k.Name)
	}
	return nil
}

// Show returns the valid value text in a form that may be printed: "(set)" for a
// secret, and a URL without its password.
func (k ConfigKey) Show(text string) string {
	switch {
	case k.Secret:
		return "(set)"
	case k.URL:
		return weburl.Redact(text)
	}
	return text
}

// Format converts a stored value back to the text that Parse accepts. It returns a
// MalformedKey error if Parse cannot return that value.
func (k ConfigKey) Format(stored string) (string, error) {
	text := stored
	var err error
	if k.format != nil {
		text, err = k.format(stored)
	}
	if err == nil {
		_, err = k.check(text)
	}
	if err != nil {
		return "", MalformedKey{Key: KeyConfig + k.Key, Err: err}
	}
	return text, nil
}

// The defaults of durations in the configuration, and the limits of configuration
// values.
const (
	DefaultCheckInterval = 10 * time.Minute
	DefaultWorkerTimeout = 60 * time.Minute

	// minDuration and maxDuration are the shortest and the longest accepted duration.
	minDuration = time.Second
	maxDuration = 31 * durations.Day

	// maxLine is the maximum length in bytes of a value that is one line of text.
	maxLine = 4096
)

// environments returns the accepted values of the key env.
func environments() []string {
	return []string{neco.NoneEnv, neco.TestEnv, neco.DevEnv, neco.StagingEnv, neco.ProdEnv}
}

// ConfigKeys returns the table of configuration keys.
func ConfigKeys() []ConfigKey { return slices.Clone(configKeys[:]) }

// configKeys is the table of configuration keys, which defines validation, help and
// documents.
var configKeys = [...]ConfigKey{
	{Name: "env", Key: "env", Value: strings.Join(environments(), ", "), Choices: environments(), Default: neco.NoneEnv,
		Help: "which releases this data centre follows", parse: oneOf(environments()), set: func(c *Config, v string) { c.Env = v }},
	{Name: "slack", Key: "notification/slack", Value: "a webhook URL", Secret: true, Env: "SLACK_WEBHOOK",
		Help: "where notices about updates are sent", parse: httpURL, set: func(c *Config, v string) { c.Slack = v }},
	{Name: "proxy", Key: "proxy", Value: "a URL with http or https, like http://squid:3128", URL: true,
		Help: "HTTP proxy of the boot servers", parse: proxyURL, set: func(c *Config, v string) { c.Proxy = v }},
	{Name: "quay-username", Key: "quay-username", Value: "a user name", Secret: true, Env: "QUAY_USER",
		Help: "account for private images on quay.io", parse: userName, set: func(c *Config, v string) { c.QuayUsername = v }},
	{Name: "quay-password", Key: "quay-password", Value: "a password", Secret: true, Env: "QUAY_PASSWORD",
		Help: "password of the quay.io account", parse: oneLine, set: func(c *Config, v string) { c.QuayPassword = v }},
	{Name: "check-update-interval", Key: "check-update-interval", Value: durations.Range(minDuration, maxDuration), Default: durations.Text(DefaultCheckInterval),
		Help: "how often neco-updater checks for a release", parse: duration, format: formatDuration, set: func(c *Config, v string) { c.CheckInterval = spanOf(v) }},
	{Name: "worker-timeout", Key: "worker-timeout", Value: durations.Range(minDuration, maxDuration), Default: durations.Text(DefaultWorkerTimeout),
		Help: "how long an update may take before it is stopped", parse: duration, format: formatDuration, set: func(c *Config, v string) { c.WorkerTimeout = spanOf(v) }},
	{Name: "release-time", Key: "release-time", Value: "cron expressions of five fields, one a line, like '* 9-16 * * 1-5'", Default: releasetime.DefaultWindows,
		Help: "the minutes in which neco-updater may take a release", parse: releaseTime, set: func(c *Config, v string) { c.ReleaseTime = v }},
	{Name: "release-timezone", Key: "release-timezone", Value: "an IANA name, like Asia/Tokyo", Default: releasetime.DefaultZone,
		Help: "the time zone of release-time", parse: timeZone, set: func(c *Config, v string) { c.ReleaseTimezone = v }},
	{Name: "github-token", Key: "github-token", Value: "a token", Secret: true, Env: "GITHUB_TOKEN",
		Help: "token for the GitHub API", parse: oneWord, set: func(c *Config, v string) { c.GitHubToken = v }},
	{Name: "node-proxy", Key: "node-proxy", Value: "a URL with http or https, like http://squid:3128", URL: true,
		Help: "HTTP proxy of the nodes", parse: proxyURL, set: func(c *Config, v string) { c.NodeProxy = v }},
	{Name: "external-ip-address-block", Key: "external-ip-address-block", Value: "an IPv4 network, like 10.72.32.0/20",
		Help: "addresses for external services", parse: ipv4CIDR, set: func(c *Config, v string) { c.ExternalBlock = v }},
	{Name: "lb-address-block-default", Key: "lb-address-block-default", Value: "an IPv4 network, like 10.72.32.0/20",
		Help: "addresses for load balancers", parse: ipv4CIDR, set: unused},
	{Name: "lb-address-block-bastion", Key: "lb-address-block-bastion", Value: "an IPv4 network, like 10.72.32.0/20",
		Help: "addresses for load balancers of the bastion network", parse: ipv4CIDR, set: unused},
	{Name: "lb-address-block-internet", Key: "lb-address-block-internet", Value: "an IPv4 network, like 10.72.32.0/20",
		Help: "addresses for load balancers of the internet", parse: ipv4CIDR, set: unused},
	{Name: "lb-address-block-internet-cn", Key: "lb-address-block-internet-cn", Value: "an IPv4 network, like 10.72.32.0/20",
		Help: "addresses for load balancers of the internet in China", parse: ipv4CIDR, set: unused},
}

// FindConfigKey returns the configuration key called name. The error lists similar names,
// or all names.
func FindConfigKey(name string) (ConfigKey, error) {
	var names []string
	for _, k := range configKeys {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	if similar := suggest.Similar(name, names); len(similar) > 0 {
		return ConfigKey{}, fmt.Errorf("unknown config key %q; did you mean %s?", name, strings.Join(similar, " or "))
	}
	return ConfigKey{}, fmt.Errorf("unknown config key %q; the keys are %s", name, strings.Join(names, ", "))
}

func oneOf(words []string) func(string) (string, error) {
	return func(s string) (string, error) {
		if slices.Contains(words, s) {
			return s, nil
		}
		if similar := suggest.Similar(strings.ToLower(s), words); len(similar) > 0 {
			return "", fmt.Errorf("unknown; did you mean %s?", strings.Join(similar, " or "))
		}
		return "", errors.New("unknown")
	}
}

func oneWord(s string) (string, error) {
	s, err := oneLine(s)
	if err == nil && strings.ContainsFunc(s, unicode.IsSpace) {
		err = errors.New("it has a space")
	}
	return s, err
}

// userName accepts a user name for HTTP basic authentication, which must not contain a
// colon.
func userName(s string) (string, error) {
	s, err := oneWord(s)
	if err == nil && strings.Contains(s, ":") {
		err = errors.New("it has a colon")
	}
	return s, err
}

func oneLine(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > maxLine || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", errors.New("not one line of text")
	}
	return s, nil
}

// releaseTime accepts time windows in the syntax of package releasetime that contain at
// least one minute.
func releaseTime(s string) (string, error) {
	s = strings.TrimSpace(s)
	w, err := releasetime.Parse(s, releasetime.DefaultZone)
	if err == nil && w.Never() {
		err = errors.New("it never matches")
	}
	return s, err
}

func timeZone(s string) (string, error) {
	s = strings.TrimSpace(s)
	_, err := releasetime.ParseZone(s)
	return s, err
}

func duration(s string) (string, error) {
	d, err := durations.Parse(s, minDuration, maxDuration)
	return strconv.FormatInt(int64(d), 10), err
}

func formatDuration(stored string) (string, error) {
	n, err := strconv.ParseInt(stored, 10, 64)
	if err != nil || n <= 0 {
		return "", fmt.Errorf("%q is not a duration in nanoseconds", stored)
	}
	return durations.Text(time.Duration(n)), nil
}
