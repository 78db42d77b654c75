package logins

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/cybozu-go/neco/internal/errtext"
)

// rules are the effective settings of sshd for one account, by their keyword in lower
// case. A keyword may have several values.
type rules map[string][]string

// keyLogin returns the first account that can log in with a key and a shell under the
// configuration conf, and its settings. who is empty if no account can.
func (s Server) keyLogin(ctx context.Context, conf string) (who string, r rules, err error) {
	all, err := s.accounts()
	if err != nil {
		return "", nil, err
	}
	for _, a := range all {
		if a.expired || !s.hasShell(a) || !s.hasKey(a) {
			continue
		}
		r, err := s.effective(ctx, conf, a.name)
		if err != nil {
			return "", nil, err
		}
		if r.admit(a) {
			return a.name, r, nil
		}
	}
	return "", nil, nil
}

// effective returns the settings of sshd for the account called name.
func (s Server) effective(ctx context.Context, conf, name string) (rules, error) {
	out, err := s.output(ctx, sshd, "-T", "-f", conf, "-C", "user="+name+",host=localhost,addr=127.0.0.1")
	if err != nil {
		return nil, fmt.Errorf("sshd -T for %s: %w: %s", name, err, errtext.LastLines(string(out)))
	}
	r := rules{}
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		r[key] = append(r[key], value)
	}
	return r, nil
}

// is reports whether key has the one value.
func (r rules) is(key, value string) bool {
	return len(r[key]) == 1 && r[key][0] == value
}

// admit reports whether the settings let a log in with a key in ~/.ssh/authorized_keys and
// nothing else.
func (r rules) admit(a account) bool {
	methods := r.words("authenticationmethods")
	switch {
	case !r.is("pubkeyauthentication", "yes") || !r.is("authorizedkeysfile", ".ssh/authorized_keys"):
		return false
	case a.locked && !r.is("usepam", "yes"): // without PAM, sshd refuses a locked account
		return false
	case a.uid == 0 && (r.is("permitrootlogin", "no") || r.is("permitrootlogin", "forced-commands-only")):
		return false
	case len(methods) > 0 && !slices.Contains(methods, "any") && !slices.Contains(methods, "publickey"):
		return false
	case matches(r.words("denyusers"), a.name) || matches(r.words("denygroups"), a.groups...):
		return false
	}
	users, groups := r.words("allowusers"), r.words("allowgroups")
	return (len(users) == 0 || matches(users, a.name)) && (len(groups) == 0 || matches(groups, a.groups...))
}

// words returns the words of all values of key.
func (r rules) words(key string) []string {
	return strings.Fields(strings.Join(r[key], " "))
}

// matches reports whether a pattern matches one of the names. A pattern USER@HOST counts
// as USER.
func matches(patterns []string, names ...string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		pattern, _, _ = strings.Cut(pattern, "@")
		return slices.ContainsFunc(names, func(name string) bool {
			ok, err := path.Match(pattern, name)
			return err == nil && ok
		})
	})
}
