package bitjson_test

import (
	"bytes"
	"strings"
	"testing"

	"strongroom/internal/base/bitjson"
	"strongroom/internal/base/fault"
)

func TestSealAndOpen(t *testing.T) {
	for _, plain := range []string{"{}", `{"items":[]}`, strings.Repeat("sixteen bytes ok", 40)} {
		b, err := bitjson.Seal([]byte(plain), "kelp", 5000)
		if err != nil {
			t.Fatal(err)
		}
		if !bitjson.IsSealed(b) || bytes.Contains(b, []byte("items")) {
			t.Errorf("it is %s", b)
		}
		if got, err := bitjson.Open(b, "kelp"); err != nil || string(got) != plain {
			t.Errorf("%s %v", got, err)
		}
		if _, err := bitjson.Open(b, "Kelp"); !fault.Is(err, fault.Denied) {
			t.Errorf("a wrong password: %v", err)
		}
		for _, change := range []func(string) string{
			func(s string) string { return strings.Replace(s, `"data": "2.`, `"data": "2.A`, 1) },
			func(s string) string { return strings.Replace(s, `"data": "2.`, `"data": "0.`, 1) },
			func(s string) string { return strings.Replace(s, `"kdfIterations": 5000`, `"kdfIterations": 1`, 1) },
			func(s string) string {
				return strings.Replace(s, `"kdfIterations": 5000`, `"kdfIterations": 2000000000`, 1)
			},
			func(s string) string { return strings.Replace(s, `"kdfType": 0`, `"kdfType": 1`, 1) },
		} {
			if _, err := bitjson.Open([]byte(change(string(b))), "kelp"); !fault.Is(err, fault.Invalid) {
				t.Errorf("a changed file: %v", err)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	b, err := bitjson.Seal([]byte("{}"), "kelp", 5000)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"encrypted":true,"passwordProtected":true,"kdfIterations":5000,"data":"2.||"}`))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = bitjson.Open(b, "kelp") })
}
