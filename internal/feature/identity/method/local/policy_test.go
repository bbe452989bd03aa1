package local_test

import (
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/feature/identity/method/local"
)

func TestPolicy(t *testing.T) {
	tests := []struct {
		password string
		ok       bool
	}{
		{"four candles on a fork", true},
		{"пароль из трёх слов", true},
		{"øæå øæå 12", false},                     // 10 code points, more bytes
		{"twelve chars", true},                    // exactly 12
		{"eleven char", false},                    // 11
		{strings.Repeat("xyz é", 51) + "?", true}, // 256 code points, more bytes
		{strings.Repeat("xyz é", 51) + "!?", false},
		{"password1234", false},
		{"Password1234!!", false},
		{"P@ssw0rd2024!", false},
		{"passwordpassword", false},
		{"Summer2026!!!!", false},
		{"qwertyuiopasdf", false},
		{"Administrator", false},
		{"1qaz2wsx3edc4rfv", false},
		{"aaaaaaaaaaaaaaaa", false},
		{"abcabcabcabcabc", false},
		{"ababcababcababc", false},
		{"abcdefghijklmnop", false},
		{"1234567890123456", false},
		{"zyxwvutsrqponm", false},
		{"robin@example.com", false},
		{"Robin.Vale.1984", false}, // signs between the words change nothing
		{"RobinVale!2024", false},
		{"Robin Vale Robin Vale", false},
		{"northbeam northbeam", false}, // the company's
		{"Vale@Northbeam 2024", false},
		{"example.com example.com", false},
		{"northbeam candles fork", true},
		{"8301 7749 2250 1", true}, // no letters at all
		{"nul\x00inside it here", false},
		{"not utf-8 \xff\xfe here", false},
	}
	for _, x := range tests {
		err := local.Policy(x.password, "robin@example.com", "Robin Vale", "northbeam-it", "Northbeam IT")
		if x.ok != (err == nil) || err != nil && fault.Say(err).Fields["password"] == "" {
			t.Errorf("%q: %v, want it taken: %v", x.password, err, x.ok)
		}
		if err != nil && strings.Contains(err.Error(), x.password) {
			t.Errorf("the sentence about %q holds it", x.password)
		}
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add("four candles on a fork", "x@example.com")
	f.Add("ａｂｃ", "")
	f.Fuzz(func(t *testing.T, password, not string) {
		if err := local.Policy(password, not); err != nil && !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", password, err)
		}
	})
}
