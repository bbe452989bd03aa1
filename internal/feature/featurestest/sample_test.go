package featurestest_test

import (
	"fmt"
	"html"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/expiry"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/sample"
)

var today = time.Date(2026, 3, 2, 14, 0, 0, 0, time.UTC)

// filled gives a house with a sample of n records.
func filled(t *testing.T, n int) *house {
	t.Helper()
	h := open(t, true)
	f := &sample.Filler{Gate: h.Gate, Records: h.Records, Files: &attachment.Store{Gate: h.Gate}}
	last := 0
	err := f.Fill(t.Context(), h.Admin(), n, today, func(done, total int) {
		if done < last || done > total || total != n {
			t.Errorf("progress is %d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil {
		t.Fatal(err)
	}
	if last != n {
		t.Errorf("progress ends at %d of %d", last, n)
	}
	return h
}

// made counts the records that belong to organizations, and all by kind.
func (h *house) made() (n int, kinds map[string]int) {
	h.t.Helper()
	kinds = map[string]int{}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		rows, err := tx.Query(`select kind, count(*), max(org_id) from record group by kind`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var kind string
			var count, org int
			if err := rows.Scan(&kind, &count, &org); err != nil {
				return err
			}
			kinds[kind] = count
			if org != 0 {
				n += count
			}
		}
		return rows.Err()
	})
	return n, kinds
}

func TestSampleIsAWholeTenant(t *testing.T) {
	h := filled(t, sample.Default)
	n, kinds := h.made()
	if n != sample.Default {
		t.Errorf("there are %d records, want %d", n, sample.Default)
	}
	for kind, least := range map[string]int{"organization": 7, "location": 8, "contact": 20, "configuration": 70, "flexible_asset": 18, "configuration_interface": 20, "document": 35,
		"document_folder": 15, "password": 35, "password_folder": 15, "domain": 7, "ssl_certificate": 14, "checklist": 7, "checklist_task": 28, "checklist_template": 3} {
		if kinds[kind] < least {
			t.Errorf("there are %d of kind %s, want at least %d", kinds[kind], kind, least)
		}
	}
	if titles := h.titles(); len(titles) < 18 {
		t.Errorf("there are %d different documents only: %v", len(titles), titles)
	}
	h.followLinks()
	h.View(h.Admin(), func(tx *gate.Tx) error {
		soon, err := expiry.List(tx, h.Records, 0, today.Format(time.DateOnly), today.AddDate(0, 0, 30).Format(time.DateOnly), 1000)
		if len(soon) < 5 {
			t.Errorf("%d things expire in the next 30 days, want some", len(soon))
		}
		var files, pairs, embedded int
		for q, to := range map[string]*int{`select count(*) from attachment`: &files, `select count(*) from relation`: &pairs,
			`select count(*) from k_password where resource_id is not null`: &embedded} {
			if err := tx.QueryRow(q).Scan(to); err != nil {
				return err
			}
		}
		if files < 15 || pairs < 30 || embedded < 20 {
			t.Errorf("%d files, %d relations, %d embedded passwords", files, pairs, embedded)
		}
		return err
	})
}

// titles are the documents' names without what stands for one organization.
func (h *house) titles() map[string]bool {
	out := map[string]bool{}
	h.View(h.Admin(), func(tx *gate.Tx) error {
		p, err := h.Records.List(tx, "document", record.Query{Limit: 1000})
		if err != nil {
			return err
		}
		for _, d := range p.Records {
			name, _, _ := strings.Cut(d.Name, ": ")
			if strings.HasSuffix(d.Name, "operation and support") {
				name = "application"
			}
			out[name] = true
			if words := len(strings.Fields(d.Values.Text("content"))); words < 60 {
				h.t.Errorf("%s has %d words", d.Name, words)
			}
			if strings.Contains(d.Values.Text("content"), "{{") != d.Values.Bool("template") || strings.Contains(d.Name, "{") {
				h.t.Errorf("%s is not filled in", d.Name)
			}
		}
		return nil
	})
	return out
}

var link = regexp.MustCompile(`href="/records/(\d+)">([^<]+)<`)

// followLinks sees that documents lead to records of their own organization, by
// links that follow their names.
func (h *house) followLinks() {
	h.t.Helper()
	seen := 0
	h.View(h.Admin(), func(tx *gate.Tx) error {
		p, err := h.Records.List(tx, "document", record.Query{Limit: 1000})
		if err != nil {
			return err
		}
		for _, d := range p.Records {
			for _, m := range link.FindAllStringSubmatch(d.Values.Text("content"), -1) {
				n, _ := strconv.ParseInt(m[1], 10, 64)
				var name string
				var org int64
				if err := tx.QueryRow(`select name, org_id from record where id = ?`, n).Scan(&name, &org); err != nil {
					return fmt.Errorf("%s: %w", m[0], err)
				}
				if name != html.UnescapeString(m[2]) || org != int64(d.Org) {
					h.t.Errorf("%s of organization %d links to %s", d.Name, d.Org, m[0])
				}
				seen++
			}
		}
		return nil
	})
	if seen < 50 {
		h.t.Errorf("documents hold %d links", seen)
	}
}

// dump writes everything that a sample says, without ids and secrets.
func (h *house) dump() string {
	h.t.Helper()
	var b strings.Builder
	h.View(h.Admin(), func(tx *gate.Tx) error {
		for _, kind := range []string{"organization", "location", "contact", "configuration", "configuration_interface", "document", "password", "domain", "ssl_certificate", "checklist", "checklist_task", "flexible_asset"} {
			p, err := h.Records.List(tx, kind, record.Query{Limit: 10000, Sort: []record.Order{{Field: "id"}}})
			if err != nil {
				return err
			}
			for _, r := range p.Records {
				v := r.Values.Clone()
				for _, f := range r.Kind.Fields {
					if f.Type == record.Ref || f.Name == "resource_id" {
						v[f.Name] = r.Names[f.Name]
					}
				}
				v["content"] = link.ReplaceAllString(v.Text("content"), "")
				fmt.Fprintln(&b, kind, r.OrgName, r.Name, v)
			}
		}
		return nil
	})
	return b.String()
}

func TestSampleIsTheSameEveryTime(t *testing.T) {
	if os.Getenv("STRONGROOM_TEST_DB") == "postgres" {
		t.Skip("two houses at a time: SQLite only")
	}
	a, b := filled(t, 120).dump(), filled(t, 120).dump()
	if a != b {
		t.Error("two samples of the same day differ")
	}
	if strings.Count(a, "\n") < 100 {
		t.Errorf("the dump has %d lines", strings.Count(a, "\n"))
	}
}

func TestSampleOfAnySize(t *testing.T) {
	for _, n := range []int{1, 2, 17, 60, 1999} {
		h := filled(t, n)
		if got, _ := h.made(); got != n {
			t.Errorf("asked for %d records, got %d", n, got)
		}
	}
	h := open(t, true)
	f := &sample.Filler{Gate: h.Gate, Records: h.Records, Files: &attachment.Store{Gate: h.Gate}}
	invalid(t, f.Fill(t.Context(), h.Admin(), 0, today, nil), "records")
	if err := f.Fill(t.Context(), h.Admin(), 3, today, nil); err != nil {
		t.Fatal(err)
	}
	if err := f.Fill(t.Context(), h.Admin(), 3, today, nil); !fault.Is(err, fault.Conflict) {
		t.Errorf("filling twice: %v", err)
	}
}

func TestSampleGivesFavouritesToAPerson(t *testing.T) {
	h := open(t, true)
	me := h.User("Administrator")
	f := &sample.Filler{Gate: h.Gate, Records: h.Records, Files: &attachment.Store{Gate: h.Gate}}
	if err := f.Fill(t.Context(), me, 120, today, nil); err != nil {
		t.Fatal(err)
	}
	var n int
	h.View(me, func(tx *gate.Tx) error {
		return tx.QueryRow(`select count(*) from favourite where user_id = ?`, int64(me.User)).Scan(&n)
	})
	if n < 5 {
		t.Errorf("%d favourites", n)
	}
	shows(t, h.get("organization", h.one("organization", "Northbeam IT")), record.Values{"primary": true})
}

func BenchmarkSample(b *testing.B) {
	const n = 10000
	var took time.Duration
	for range b.N {
		h := openB(b)
		f := &sample.Filler{Gate: h.Gate, Records: h.Records, Files: &attachment.Store{Gate: h.Gate}}
		start := time.Now()
		if err := f.Fill(b.Context(), h.Admin(), n, today, nil); err != nil {
			b.Fatal(err)
		}
		took += time.Since(start)
	}
	b.ReportMetric(n*float64(b.N)/took.Seconds(), "records/s")
}
