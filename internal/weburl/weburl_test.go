package weburl

import (
	"strings"
	"testing"
)

func TestAURLThatIsNotUnderstoodIsRefusedAndNotShown(t *testing.T) {
	for _, bad := range []string{
		"http://ops:2026/winter@10.0.0.9:3128",
		"http://ops:2026#winter@10.0.0.9:3128",
		"http://ops:2026?winter@10.0.0.9:3128",
		"http://ops:2026@winter@10.0.0.9:3128",
		"http://ops:winter/2026@10.0.0.9:3128",
		"http://ops:winter#2026@10.0.0.9:3128",
		"http://ops%3Awinter@10.0.0.9:3128",
		"ops:winter@10.0.0.9:3128",
	} {
		_, err := Parse(bad)
		if err == nil || !strings.Contains(err.Error(), "%2F") {
			t.Errorf("%s: %v; want the hint how to write it", bad, err)
		}
		if err != nil && (strings.Contains(err.Error(), "2026") || strings.Contains(err.Error(), "winter")) {
			t.Errorf("%s: the error shows the password: %v", bad, err)
		}
		if got := Redact(bad); got != "(not shown)" {
			t.Errorf("%s is shown as %s", bad, got)
		}
	}
}

func TestAURLWithoutServerIsRefused(t *testing.T) {
	for _, bad := range []string{
		"", "squid", "squid:3128", "ftp://squid", "http://", "http://:3128", "http://squid:0", "http://squid:65536",
		"http://squid:port", "http://squid:3128/a b", "http://squid\x1b[31m", "http:squid", " http://squid",
	} {
		if u, err := Parse(bad); err == nil {
			t.Errorf("%q is accepted: %v", bad, u)
		}
	}
}

func TestAURLIsShownWithoutItsCredentials(t *testing.T) {
	for text, want := range map[string]string{
		"http://squid:3128":                            "http://squid:3128",
		"https://[fd00::1]:3128/":                      "https://[fd00::1]:3128/",
		"http://ops:winter@squid:3128":                 "http://ops:xxxxx@squid:3128",
		"http://ops:2026%2Fw%40%23%3F:@10.0.0.9:65535": "http://ops:xxxxx@10.0.0.9:65535",
		"http://token@squid:3128":                      "http://xxxxx@squid:3128",
	} {
		if got := Redact(text); got != want {
			t.Errorf("%s is shown as %s, want %s", text, got, want)
		}
	}
}

func TestAProxyIsAHostAndAPortAndNothingBehindThem(t *testing.T) {
	for text, want := range map[string]bool{
		"http://squid:3128": true, "http://squid": true, "https://ops:winter@squid.example:3128/": true, "http://127.0.0.1:3128": true,
		"http://10.0.0.9:3128": true, "http://[fd00::1]:3128": true, "http://proxy_1:3128": true, "http://squid.example.:3128": true,
		"http://squid:3128/?token=winter": false, "http://squid:3128?": false, "http://squid:3128/path": false, "http://squid:3128#winter": false,
		"http://0.0.0.0:3128": false, "http://255.255.255.255:1": false, "http://224.0.0.1:1": false, "http://[::]:1": false, "http://[ff02::1]:1": false,
		"http://999.1.1.1:1": false, "http://-:1": false, "http://a_b..c:1": false, "http://*:1": false, "squid:3128": false,
	} {
		_, err := ParseProxy(text)
		if (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
		if err != nil && strings.Contains(err.Error(), "winter") {
			t.Errorf("%s: the error shows a secret: %v", text, err)
		}
	}
}
