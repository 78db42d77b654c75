package meet

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestATokenIsReadBack(t *testing.T) {
	token := NewToken()
	for _, text := range []string{token.Reveal(), strings.ToUpper(token.Reveal())} {
		if got, err := Parse(text); err != nil || got != token {
			t.Errorf("parse: %v", err)
		}
	}
	if NewToken() == token {
		t.Error("two tokens are the same")
	}
}

func TestTokensThatAreNone(t *testing.T) {
	good := NewToken().Reveal()
	changed := []byte(good)
	changed[20] = map[bool]byte{true: 'b', false: 'a'}[changed[20] == 'a']
	for name, test := range map[string]struct{ text, want string }{
		"nothing":               {"", "does not begin"},
		"another prefix":        {"neco-join-" + good[len(tokenPrefix):], "does not begin"},
		"a character too few":   {good[:len(good)-1], "57 characters"},
		"a character too many":  {good + "a", "59 characters"},
		"one character changed": {string(changed), "checksum"},
		"a foreign character":   {good[:20] + "1" + good[21:], "not one of"},
		"a line break within":   {good[:20] + "\n" + good[21:], ""},
		"zeros":                 {Token{}.Reveal(), "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(test.text)
			if !errors.Is(err, ErrTokenInvalid) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v", err)
			}
			if len(test.text) > 40 && strings.Contains(err.Error(), test.text[25:40]) {
				t.Errorf("the error tells the token: %v", err)
			}
		})
	}
}

func TestATokenIsNotPrinted(t *testing.T) {
	token := NewToken()
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "token", token, "in", struct{ T Token }{token}, "p", &token)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "token", token, "member", Member{Token: token})
	text := log.String() + fmt.Sprintf("%v %+v %#v %s %x %d %q %v", token, token, token, token, token, token, token, &token)
	text += fmt.Sprintf("%+v %#v", struct{ T Token }{token}, []Token{token})
	if data, err := json.Marshal(token); err == nil {
		t.Errorf("marshalled: %s", data)
	}
	body := token.Reveal()[len(tokenPrefix):]
	for _, secret := range []string{body, fmt.Sprintf("%x", token.secret[:4]), fmt.Sprint(token.secret[:4])[1:], fmt.Sprintf("%#v", token.secret[:4])[7:]} {
		if strings.Contains(text, strings.TrimRight(secret, "]}")) {
			t.Errorf("printed: %s", text)
		}
	}
}

func TestKeysOfATokenDifferByLabel(t *testing.T) {
	token := NewToken()
	seen := map[string]string{}
	for _, label := range []string{"proof", "seal", ""} {
		key, err := token.Key(label)
		if err != nil || len(key) != 32 {
			t.Fatalf("%q: %d bytes, %v", label, len(key), err)
		}
		if again, _ := token.Key(label); string(again) != string(key) {
			t.Errorf("%q: not the same twice", label)
		}
		if other, ok := seen[string(key)]; ok {
			t.Errorf("%q and %q have the same key", label, other)
		}
		seen[string(key)] = label
	}
	if _, err := (Token{}).Key("proof"); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("no token: %v", err)
	}
}

func TestReadFile(t *testing.T) {
	good := NewToken().Reveal()
	for name, test := range map[string]struct {
		mode os.FileMode
		text string
		want error
	}{
		"for its owner alone": {0o600, good + "\n", nil},
		"read only":           {0o400, good, nil},
		"group may read":      {0o640, good, ErrTokenReadable},
		"others may read":     {0o604, good, ErrTokenReadable},
		"group may write":     {0o620, good, ErrTokenReadable},
		"something else":      {0o600, "hello", ErrTokenInvalid},
		"much else":           {0o600, strings.Repeat("x", 1<<20), ErrTokenInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			token, err := ReadFile(path)
			if !errors.Is(err, test.want) || err == nil && token.Reveal() != good {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
	t.Run("a directory", func(t *testing.T) {
		if _, err := ReadFile(t.TempDir()); err == nil {
			t.Error("no error")
		}
	})
}
