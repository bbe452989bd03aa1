package agefile_test

import (
	"bytes"
	"crypto/fips140"
	"testing"

	"strongroom/internal/base/agefile"
	"strongroom/internal/base/fault"
)

// FuzzOpen: whatever is given as a sealed file is refused as one, unless it is sealed for the key: then
// it gives what was sealed.
func FuzzOpen(f *testing.F) {
	if fips140.Enforced() {
		return // files are refused there; see strict
	}
	private, public, err := agefile.Key()
	if err != nil {
		f.Fatal(err)
	}
	to, err := agefile.Keys(public)
	if err != nil {
		f.Fatal(err)
	}
	var whole bytes.Buffer
	w, err := agefile.Seal(&whole, to)
	if err != nil {
		f.Fatal(err)
	}
	if _, err := w.Write([]byte("kelp")); err != nil {
		f.Fatal(err)
	}
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Bytes())
	f.Add(whole.Bytes()[:whole.Len()-1])
	f.Add([]byte("age-encryption.org/v1\n-> X25519 \n--- \n"))
	f.Add([]byte("-----BEGIN AGE ENCRYPTED FILE-----\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		var out bytes.Buffer
		switch err := agefile.Open(&out, bytes.NewReader(file), private, ""); {
		case err == nil && out.String() != "kelp":
			t.Errorf("it gives %q", out.Bytes())
		case err != nil && !fault.Is(err, fault.Invalid):
			t.Errorf("a file that is none: %v", err)
		}
	})
}
