package wordlist_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/wordlist"
)

func TestList(t *testing.T) {
	words := wordlist.Words()
	if len(words) != wordlist.Size || !slices.IsSorted(words) || len(slices.Compact(slices.Clone(words))) != wordlist.Size {
		t.Fatalf("the list has %d words", len(words))
	}
}

// TestOfOthers: the words are those of the test vectors of BIP-39.
func TestOfOthers(t *testing.T) {
	for in, want := range map[string]string{
		"00000000000000000000000000000000": "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
		"7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f": "legal winner thank year wave sausage worth useful legal winner thank yellow",
		"80808080808080808080808080808080": "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
		"ffffffffffffffffffffffffffffffff": "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
		"9e885d952ad362caeb4efe34a8e91bd2": "ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic",
	} {
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(wordlist.Encode([16]byte(b)), " "); got != want {
			t.Errorf("%s is %s", in, got)
		}
	}
}

func TestNotSuchWords(t *testing.T) {
	for _, s := range []string{"", "zoo", strings.Repeat("zoo ", 12), strings.Repeat("zzz ", 12), "advice letter cage absurd amount doctor acoustic avoid letter advice cage above"} {
		if _, err := wordlist.Decode(s); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("legal winner thank year wave sausage worth useful legal winner thank yellow")
	f.Add(strings.Repeat("abandon ", 12))
	f.Fuzz(func(t *testing.T, s string) {
		b, err := wordlist.Decode(s)
		if err != nil {
			return
		}
		again, err := wordlist.Decode(strings.Join(wordlist.Encode(b), ", "))
		if err != nil || again != b {
			t.Errorf("%q does not come back: %v", s, err)
		}
	})
}
