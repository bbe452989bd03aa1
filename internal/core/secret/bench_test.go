package secret_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"strongroom/internal/base/envelope"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/keys/service"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
)

// BenchmarkReveal compares the bare private operation with reveals by the decision of the gate, the
// entry of the audit log and that of the key service's log, both durable: one for each of 48 who
// ask at once, and by hundreds as exports do.
func BenchmarkReveal(b *testing.B) {
	d := open(b, coretest.Options{Keys: service.Options{Budgets: service.Budgets{Session: service.Unlimited(), Person: service.Unlimited(), Tenant: service.Unlimited(), Bulk: service.Unlimited()}}})
	d.rotate(rsaSuite())
	var refs []secret.Ref
	for i := range 500 {
		refs = append(refs, secret.Ref{Kind: "password", Object: d.Make("password", d.org, record.Values{"name": fmt.Sprint("pw ", i), "password": "hunter1"}), Field: "password"})
	}
	const clients = 48
	k, err := envelope.GenerateKey(envelope.KeySuite(rsaSuite()), 1)
	if err != nil {
		b.Fatal(err)
	}
	sealed, _, err := envelope.Seal(envelope.Header{Class: envelope.ClassServer, Tenant: d.Tenant().ID, Kind: "password", Container: 2, Object: 42, Field: "password", Version: 1, Time: 1}, []envelope.PublicKey{k.Public}, []byte("hunter1"))
	if err != nil {
		b.Fatal(err)
	}
	e, err := envelope.Parse(sealed)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("bare", func(b *testing.B) {
		together(b, clients, func(int) error {
			_, err := envelope.Unwrap(k, e.Recipients()[0], e.HeaderBytes())
			return err
		})
	})
	b.Run("each", func(b *testing.B) {
		together(b, clients, func(i int) error {
			_, err := d.revealer.Reveal(b.Context(), d.admin, refs[i%len(refs)], "")
			return err
		})
	})
	b.Run("export", func(b *testing.B) {
		for n := b.N; n > 0; n -= len(refs) {
			if err := d.revealer.RevealMany(b.Context(), d.admin, refs[:min(n, len(refs))], "", func(secret.Ref, string, error) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// together runs fn b.N times, by so many at once.
func together(b *testing.B, clients int, fn func(i int) error) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := fn(int(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}
