package local_test

import (
	"testing"

	"strongroom/internal/feature/identity/method/local"
)

// BenchmarkResolve is what each page pays to know who asks.
func BenchmarkResolve(b *testing.B) {
	d := open(b)
	token := d.signIn(from("192.0.2.1", right)).Token
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Resolve(b.Context(), "demo", token); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHash is what a sign-in costs, and what a guess costs a thief of the
// database.
func BenchmarkHash(b *testing.B) {
	h := &local.Hasher{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Hash(b.Context(), right, false); err != nil {
			b.Fatal(err)
		}
	}
}
