package search_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/search"
)

var syllables = strings.Fields("ba co den fi ga har bor lo mu na pel qui ro sil ta ver wen xo yar zu")

// word gives one of many words; small numbers are used more often.
func word(r *rand.Rand) string {
	n := int(r.ExpFloat64() * 300)
	var b strings.Builder
	for range 3 {
		b.WriteString(syllables[n%len(syllables)])
		n /= len(syllables)
	}
	return b.String()
}

// fill makes documents as an MSP would have them, beside the engine for speed.
func fill(b *testing.B, h *coretest.House, orgs []id.ID, n int) {
	r := rand.New(rand.NewPCG(1, 2))
	for from := 0; from < n; from += 5000 {
		h.Change(func(tx *gate.Tx) error {
			for i := from; i < min(from+5000, n); i++ {
				rid, err := tx.NewID()
				if err != nil {
					return err
				}
				kind, site := []string{"configuration", "document", "password"}[i%3], syllables[i%20]
				name := fmt.Sprintf("%s-srv-%s%02d", strings.ToUpper(site), word(r), i%100)
				_, err = tx.Exec(`insert into record (id, kind, org_id, guard_id, name, name_fold, created_at, updated_at, version) values (?, ?, ?, ?, ?, ?, ?, ?, 1)`,
					int64(rid), kind, int64(orgs[i%len(orgs)]), int64(rid), name, search.Fold(name), i, i)
				if err != nil {
					return err
				}
				if _, err := tx.Exec(`insert into record_total (org_id, kind, archived, restricted, n) values (?, ?, 0, 0, 1) on conflict (kind, org_id, archived, restricted) do update set n = record_total.n + 1`,
					int64(orgs[i%len(orgs)]), kind); err != nil {
					return err
				}
				body := make([]string, 30)
				for k := range body {
					body[k] = word(r)
				}
				if err := search.Put(tx.SQL(), search.Doc{ID: rid, Names: []string{name, fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), site + ".example.com",
					fmt.Sprintf("%02x:%02x:%02x:00:11:22", i>>16, i>>8&255, i&255), word(r) + " " + word(r)}, Body: strings.Join(body, " ")}); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// BenchmarkFind types questions letter by letter over 100,000 documents and
// tells the 95th percentile of an answer's time for each length.
func BenchmarkFind(b *testing.B) {
	h := coretest.Open(b, coretest.Options{})
	var orgs []id.ID
	for i := range 200 {
		orgs = append(orgs, h.Org(fmt.Sprintf("Client %d", i)))
	}
	start := time.Now()
	fill(b, h, orgs, 100_000)
	b.Logf("filled in %v", time.Since(start))
	if h.Tenant().DB.Dialect() == "postgres" {
		h.Change(func(tx *gate.Tx) error {
			_, err := tx.Exec(`analyze`)
			return err
		})
	}
	few := h.User(access.Editor, orgs[3], orgs[90])
	some := h.User(access.Editor, orgs[:20]...)
	for _, who := range []struct {
		name   string
		caller *access.Caller
	}{{"all", h.Admin()}, {"some", some}, {"few", few}} {
		for letters := 1; letters <= 9; letters++ {
			name := fmt.Sprint(letters)
			if letters == 9 {
				name = "two"
			}
			b.Run(who.name+"/"+name, func(b *testing.B) { typed(b, h, who.caller, letters) })
		}
	}
}

func typed(b *testing.B, h *coretest.House, c *access.Caller, letters int) {
	r := rand.New(rand.NewPCG(3, 4))
	var took []time.Duration
	for b.Loop() {
		q := word(r) + word(r)
		if letters == 9 {
			q = q[:3] + " " + word(r)[:2+r.IntN(3)]
		} else {
			q = q[:letters]
		}
		start := time.Now()
		h.View(c, func(tx *gate.Tx) error {
			_, err := search.Find(tx, q, search.Options{})
			return err
		})
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
}
