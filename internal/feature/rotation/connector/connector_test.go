package connector_test

import (
	"strings"
	"testing"

	"strongroom/internal/feature/rotation/connector"
)

func TestGenerate(t *testing.T) {
	seen := map[string]bool{}
	for range 500 {
		s, err := connector.Generate(nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(s) != 24 || seen[s] || strings.ContainsAny(s, "\n\r\t :'\"\\$`") || s[0] == '-' {
			t.Fatalf("made %q", s)
		}
		for _, class := range []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "-_.+=%@"} {
			if !strings.ContainsAny(s, class) {
				t.Errorf("%q has nothing of %q", s, class)
			}
		}
		seen[s] = true
	}
	if _, err := connector.Generate(strings.NewReader("short")); err == nil {
		t.Error("a source that ends made a password")
	}
}
