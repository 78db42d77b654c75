package join_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cybozu-go/neco/pkg/join"
	"github.com/cybozu-go/neco/pkg/pki"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const version = "2026.11.21-1"

func newToken() join.Token {
	return join.Token{
		LRN: 3, HostName: "boot-3", Bastion: netip.MustParseAddr("10.72.48.3"), RoleID: "role", Secret: "hvs.secret",
		Pin: []byte(strings.Repeat("p", 32)), Version: version, Expires: noon.Add(time.Hour),
	}
}

func reveal(t testing.TB, token join.Token) string {
	t.Helper()
	text, err := token.Reveal()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestATokenIsReadAsItWasWritten(t *testing.T) {
	want := newToken()
	got, err := join.Parse(reveal(t, want) + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestATokenDoesNotPrintItsSecret(t *testing.T) {
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
		if text := fmt.Sprintf(format, newToken()); strings.Contains(text, "secret") {
			t.Errorf("%s prints %s", format, text)
		}
	}
}

func TestATokenThatIsNotWholeIsNamedAtOnce(t *testing.T) {
	text := reveal(t, newToken())
	for n := range text {
		if _, err := join.Parse(text[:n]); !errors.Is(err, join.ErrTokenInvalid) {
			t.Errorf("cut after %d characters: %v", n, err)
		}
		for _, c := range []byte{'A', '0', '~'} {
			if text[n] == c {
				continue
			}
			changed := text[:n] + string(c) + text[n+1:]
			_, err := join.Parse(changed)
			if !errors.Is(err, join.ErrTokenInvalid) {
				t.Errorf("character %d changed: %v", n, err)
			} else if strings.Contains(err.Error(), "hvs.secret") {
				t.Errorf("the error repeats the token: %v", err)
			}
		}
	}
}

func TestATokenIsForOneServer(t *testing.T) {
	bastion := netip.MustParseAddr("10.72.48.3")
	tests := []struct {
		name    string
		self    pki.Subject
		version string
		now     time.Time
		want    error
	}{
		{"its own", pki.NewSubject(3, "boot-3", bastion), version, noon, nil},
		{"another LRN", pki.NewSubject(4, "boot-3", bastion), version, noon, join.ErrTokenInvalid},
		{"another host name", pki.NewSubject(3, "boot-4", bastion), version, noon, join.ErrTokenInvalid},
		{"another bastion address", pki.NewSubject(3, "boot-3", netip.Addr{}), version, noon, join.ErrTokenInvalid},
		{"its time is over", pki.NewSubject(3, "boot-3", bastion), version, noon.Add(time.Hour), join.ErrTokenExpired},
		{"another version", pki.NewSubject(3, "boot-3", bastion), "2026.11.20-1", noon, join.ErrVersion},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := newToken().For(tt.self, tt.version, tt.now); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestAServerIsNamedAfterTheExampleOfAnother(t *testing.T) {
	addr := netip.MustParseAddr
	tests := []struct {
		name    string
		example pki.Subject
		want    pki.Subject
	}{
		{"of a test data centre", pki.NewSubject(0, "boot-0", addr("10.72.48.0")), pki.NewSubject(12, "boot-12", addr("10.72.48.12"))},
		{"of the installer", pki.NewSubject(2, "tokyo-boot-2", addr("10.72.48.2")), pki.NewSubject(12, "tokyo-boot-12", addr("10.72.48.12"))},
		{"otherwise: unknown", pki.NewSubject(2, "alpha", addr("10.72.48.2")), pki.NewSubject(12, "", addr("10.72.48.12"))},
		{"a number that is not the LRN", pki.NewSubject(2, "boot-12", netip.Addr{}), pki.NewSubject(12, "", netip.Addr{})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := join.Like(tt.example, 12); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("neco-join-")
	f.Add(reveal(f, newToken()))
	f.Fuzz(func(t *testing.T, text string) {
		token, err := join.Parse(text)
		if err != nil {
			if !errors.Is(err, join.ErrTokenInvalid) {
				t.Fatal(err)
			}
			return
		}
		if _, err := join.Parse(reveal(t, token)); err != nil {
			t.Fatal(err)
		}
	})
}

func ExampleParse() {
	_, err := join.Parse("neco-join-c2VjcmV0")
	fmt.Println(err)
	// Output: TokenInvalid: its checksum is wrong: it was cut, or a character was changed
}
