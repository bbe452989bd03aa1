package agefile_test

import (
	"bytes"
	"crypto/fips140"
	"io"
	"strings"
	"testing"

	"strongroom/internal/base/agefile"
	"strongroom/internal/base/fault"
)

func seal(t *testing.T, f agefile.For, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := agefile.Seal(&b, f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// strict skips in FIPS-only mode, after it made sure that a file is refused there.
func strict(t *testing.T) {
	t.Helper()
	if !fips140.Enforced() {
		return
	}
	_, _, err := agefile.Key()
	_, keys := agefile.Keys("age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudps94sqsr5yq3")
	_, phrase := agefile.Passphrase("correct horse battery staple")
	for _, err := range []error{err, keys, phrase, agefile.Open(io.Discard, strings.NewReader("x"), "", "correct horse battery staple")} {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("FIPS-only mode: %v", err)
		}
	}
	t.Skip("FIPS-only mode refuses what age files are sealed with, as was just made sure")
}

func TestKeys(t *testing.T) {
	strict(t)
	private, public, err := agefile.Key()
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := agefile.Key()
	if err != nil {
		t.Fatal(err)
	}
	f, err := agefile.Keys("# mine\n" + public + "\n\n")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("content of the export ", 10_000)
	sealed := seal(t, f, text)
	var out bytes.Buffer
	if err := agefile.Open(&out, bytes.NewReader(sealed), "# a comment\n"+private+"\n", ""); err != nil || out.String() != text {
		t.Fatalf("opened %d bytes, %v", out.Len(), err)
	}
	altered := bytes.Clone(sealed)
	altered[len(altered)/2] ^= 1
	for name, in := range map[string][]byte{"altered": altered, "cut off": sealed[:len(sealed)-20], "no such file": []byte("PK"), "empty": nil} {
		if err := agefile.Open(&bytes.Buffer{}, bytes.NewReader(in), private, ""); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := agefile.Open(&bytes.Buffer{}, bytes.NewReader(sealed), other, ""); err == nil || !strings.Contains(fault.Say(err).Text, "this key") {
		t.Errorf("with another key: %v", err)
	}
	if err := agefile.Open(&bytes.Buffer{}, bytes.NewReader(sealed), "", ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("with nothing: %v", err)
	}
	for _, bad := range []string{"", "# only a comment", private, "age1nonsense", public + "\nssh-rsa AAAA"} {
		if _, err := agefile.Keys(bad); !fault.Is(err, fault.Invalid) || strings.Contains(err.Error(), private) {
			t.Errorf("the keys %.20q are taken: %v", bad, err)
		}
	}
}

func TestPassphrase(t *testing.T) {
	strict(t)
	if _, err := agefile.Passphrase("short"); !fault.Is(err, fault.Invalid) {
		t.Errorf("a short passphrase: %v", err)
	}
	f, err := agefile.Passphrase("four words are enough")
	if err != nil {
		t.Fatal(err)
	}
	sealed := seal(t, f, "content")
	var out bytes.Buffer
	if err := agefile.Open(&out, bytes.NewReader(sealed), "", "four words are enough"); err != nil || out.String() != "content" {
		t.Fatalf("opened %q, %v", out.String(), err)
	}
	if err := agefile.Open(&bytes.Buffer{}, bytes.NewReader(sealed), "", "four words are wrong"); !fault.Is(err, fault.Invalid) {
		t.Errorf("another passphrase: %v", err)
	}
}
