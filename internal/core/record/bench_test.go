package record_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

func benchThing(i int64) record.Values {
	return record.Values{"name": fmt.Sprintf("SRV-%06d", i), "serial_number": fmt.Sprintf("SN%08d", i*7919), "notes": "rack 4, unit 12, see the network plan", "ends_on": "2028-01-01", "order": i}
}

// BenchmarkCreate makes records that are durable and audited: many in one
// transaction as an import does, one by one, and one by one from 16 clients.
func BenchmarkCreate(b *testing.B) {
	h := coretest.Open(b, coretest.Options{Features: kinds()})
	org := h.Org("A")
	var n atomic.Int64
	make := func(tx *gate.Tx) error {
		v := benchThing(n.Add(1))
		v["organization_id"] = org
		_, err := h.Records.Create(tx, "thing", v)
		return err
	}
	one := func() error {
		return h.Gate.Change(b.Context(), h.Admin(), access.Create, gate.Thing{Kind: "thing", Org: org}, make)
	}
	b.Run("batches of 500", func(b *testing.B) {
		for i := 0; i < b.N; i += 500 {
			err := h.Gate.Change(b.Context(), h.Admin(), access.Import, gate.Thing{}, func(tx *gate.Tx) error {
				for range min(500, b.N-i) {
					if err := tx.Try(func() error { return make(tx) }); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("1 client", func(b *testing.B) {
		for b.Loop() {
			if err := one(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("16 clients", func(b *testing.B) {
		b.SetParallelism(8) // times GOMAXPROCS
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := one(); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkList reads a page of 50 out of 20,000.
func BenchmarkList(b *testing.B) {
	h := coretest.Open(b, coretest.Options{Features: kinds()})
	org := h.Org("A")
	for range 40 {
		h.Change(func(tx *gate.Tx) error {
			for i := range int64(500) {
				v := benchThing(i)
				v["organization_id"] = org
				if _, err := h.Records.Create(tx, "thing", v); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for name, c := range map[string]*access.Caller{"administrator": h.Admin(), "editor": h.User(access.Editor, org)} {
		for _, q := range []record.Query{{Limit: 50}, {Limit: 50, Org: org}, {Limit: 50, Sort: []record.Order{{Field: "serial_number"}}}} {
			b.Run(fmt.Sprintf("%s org %v sort %v", name, q.Org != 0, len(q.Sort)), func(b *testing.B) {
				for b.Loop() {
					h.View(c, func(tx *gate.Tx) error { _, err := h.Records.List(tx, "thing", q); return err })
				}
			})
		}
	}
}
