package featurestest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/flexibleasset"
)

// BenchmarkAssets lists the first page of a type of 40 fields, all of them shown,
// with 50,000 assets in 100 organizations: sorted and filtered by any of them.
func BenchmarkAssets(b *testing.B) {
	h := openB(b)
	typ := h.Make(flexibleasset.TypeKind, 0, record.Values{"name": "Wide"})
	var traits []string
	for i := range 40 {
		v := record.Values{"flexible_asset_type_id": typ, "name": fmt.Sprint("Field ", i), "order": i, "show_in_list": true}
		v["kind"] = []string{"Text", "Number", "Date", "Select"}[i%4]
		if i%4 == 3 {
			v["default_value"] = "a\nb\nc\nd"
		}
		traits = append(traits, record.TraitName(h.Make(flexibleasset.FieldKind, 0, v)))
	}
	var orgs []id.ID
	for i := range 100 {
		orgs = append(orgs, h.Org(fmt.Sprint("Org ", i)))
	}
	const total, part = 50000, 500
	start := time.Now()
	for at := 0; at < total; at += part {
		h.Change(func(tx *gate.Tx) error {
			for n := at; n < at+part; n++ {
				v := record.Values{"flexible_asset_type_id": typ, "organization_id": orgs[n%100]}
				for i, name := range traits {
					x := (n*7919 + i*104729) % 50021
					v[name] = []any{fmt.Sprintf("value %d of %d", x, i), float64(x) / 8, time.Unix(int64(x)*86400/4, 0).UTC().Format(time.DateOnly), string("abcd"[x%4])}[i%4]
				}
				if _, err := h.Records.Create(tx, flexibleasset.Kind, v); err != nil {
					return err
				}
			}
			return nil
		})
	}
	b.Logf("%d assets made, %.0f/s", total, total/time.Since(start).Seconds())
	for _, c := range []struct {
		name string
		who  *access.Caller
		q    func(i int) record.Query
	}{
		{"by name", h.Admin(), func(int) record.Query { return record.Query{} }},
		{"sorted by a trait", h.Admin(), func(i int) record.Query {
			return record.Query{Sort: []record.Order{{Field: traits[i%40], Desc: i%2 == 1}}}
		}},
		{"page 20 of one sorted", h.Admin(), func(i int) record.Query {
			return record.Query{Sort: []record.Order{{Field: traits[i%40]}}, Offset: 950}
		}},
		{"an organization's, sorted by a trait", h.Admin(), func(i int) record.Query {
			return record.Query{Org: orgs[i%100], Sort: []record.Order{{Field: traits[i%40]}}}
		}},
		{"filtered by a text", h.Admin(), func(i int) record.Query {
			return record.Query{Filters: []record.Filter{{Field: traits[i*4%40], Op: record.Eq, Values: []any{fmt.Sprintf("value %d of %d", i*31%50021, i*4%40)}}}}
		}},
		{"filtered by a choice of four", h.Admin(), func(i int) record.Query {
			return record.Query{Filters: []record.Filter{{Field: traits[3+i*4%40], Op: record.Eq, Values: []any{string("abcd"[i%4])}}}}
		}},
		{"filtered by a choice, sorted by a number", h.Admin(), func(i int) record.Query {
			return record.Query{Filters: []record.Filter{{Field: traits[3], Op: record.Eq, Values: []any{"b"}}}, Sort: []record.Order{{Field: traits[1], Desc: true}}}
		}},
		{"filtered by a range of dates", h.Admin(), func(i int) record.Query {
			return record.Query{Filters: []record.Filter{{Field: traits[2], Op: record.Range, Values: []any{"1980-01-01", "1980-02-01"}}}}
		}},
		{"sorted by a trait, of five organizations", h.User(access.Editor, orgs[:5]...), func(i int) record.Query {
			return record.Query{Sort: []record.Order{{Field: traits[i%40]}}}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				q := c.q(i)
				q.Variant = typ
				at := time.Now()
				h.View(c.who, func(tx *gate.Tx) error {
					_, err := h.Records.List(tx, flexibleasset.Kind, q)
					return err
				})
				took = append(took, time.Since(at))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "ms-p95")
		})
	}
}
