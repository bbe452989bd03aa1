package service_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"strongroom/internal/base/envelope"
	"strongroom/internal/core/keys"
	"strongroom/internal/core/keys/keystest"
	"strongroom/internal/core/keys/service"
)

// BenchmarkUnwrap compares the bare private operation with an unwrap through
// the service in another process: ticket, durable log entry, answer.
func BenchmarkUnwrap(b *testing.B) {
	for _, suite := range []string{keys.Hybrid, keys.RSA2048} {
		k := must[envelope.PrivateKey](b)(envelope.GenerateKey(envelope.KeySuite(suite), 1))
		sealed, _, err := envelope.Seal(header("demo"), []envelope.PublicKey{k.Public}, []byte("x"))
		if err != nil {
			b.Fatal(err)
		}
		bare := must[*envelope.Envelope](b)(envelope.Parse(sealed))
		h := newHouse(b)
		tenant(b, h.c, "demo", suite)
		e := seal(b, h.c, header("demo"), "x")
		for _, clients := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/bare-%d", suite, clients), func(b *testing.B) {
				together(b, clients, func() error {
					_, err := envelope.Unwrap(k, bare.Recipients()[0], bare.HeaderBytes())
					return err
				})
			})
			b.Run(fmt.Sprintf("%s/service-%d", suite, clients), func(b *testing.B) {
				together(b, clients, func() error {
					_, err := h.c.Unwrap(b.Context(), ticket("demo"), e.HeaderBytes(), e.Recipients()[0])
					return err
				})
			})
		}
	}
}

// together runs fn b.N times, by so many at once.
func together(b *testing.B, clients int, fn func() error) {
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := fn(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkInProcess is for profiles: both sides in one process.
func BenchmarkInProcess(b *testing.B) {
	s := keystest.Start(b, service.Options{})
	tenant(b, s.Client, "demo", "")
	e := seal(b, s.Client, header("demo"), "x")
	b.ResetTimer()
	together(b, 16, func() error {
		_, err := s.Client.Unwrap(b.Context(), ticket("demo"), e.HeaderBytes(), e.Recipients()[0])
		return err
	})
}
