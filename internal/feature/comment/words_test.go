package comment_test

import (
	"fmt"
	"strings"
	"testing"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/comment"
)

// lookup gives the texts of the comments that a query finds.
func (h *house) lookup(c *access.Caller, words ...string) string {
	h.t.Helper()
	var out []string
	err := h.Gate.View(h.t.Context(), c, func(tx *gate.Tx) error {
		list, _, err := comment.All(tx, comment.Query{Words: words, Limit: 10, NoTotal: true})
		out = nil
		for _, x := range list {
			out = append(out, x.Source)
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return strings.Join(out, "|")
}

// TestWords: comments are found by the beginnings of their words, as they are now, by who
// may see the record; those from before there was an index too.
func TestWords(t *testing.T) {
	h := open(t)
	org := h.Org("Acme")
	rec := h.Make("document", org, record.Values{"name": "Runbook"})
	ada, eve := h.person("Ada", access.Editor, org), h.person("Eve", access.Editor, h.Org("Other"))
	said, err := h.say(ada, rec, "Café at HDG-SRV-FILE01 is *down*")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.say(ada, rec, "Down again, 100% sure"); err != nil {
		t.Fatal(err)
	}
	all := "Down again, 100% sure|Café at HDG-SRV-FILE01 is *down*"
	check := func() {
		t.Helper()
		for q, want := range map[string]string{"down": all, "DOW": all, "cafe down": "Café at HDG-SRV-FILE01 is *down*", "file01": "Café at HDG-SRV-FILE01 is *down*", "srv-file": "Café at HDG-SRV-FILE01 is *down*", "nothing": "", "%": "", "down nothing": ""} {
			if got := h.lookup(ada, strings.Fields(q)...); got != want {
				t.Errorf("%q finds %q, want %q", q, got, want)
			}
		}
		if got := h.lookup(eve, "down"); got != "" {
			t.Errorf("a stranger finds %q", got)
		}
	}
	check()
	h.Change(func(tx *gate.Tx) error { // as it was before there was an index
		for _, q := range []string{`delete from record_comment_word`, `update record_comment set indexed = 0`} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		return nil
	})
	if got := h.lookup(ada, "down"); got != all {
		t.Errorf("without an index it finds %q", got)
	}
	if err := comment.Index(t.Context(), h.Gate, ada.Tenant); err != nil {
		t.Fatal(err)
	}
	check()
	err = h.as(ada, rec, func(tx *gate.Tx) error { _, err := h.comments.Edit(tx, rec, said.ID, "Up"); return err })
	if got := h.lookup(ada, "cafe"); err != nil || got != "" {
		t.Errorf("what it said before is found: %q, %v", got, err)
	}
	err = h.as(ada, rec, func(tx *gate.Tx) error { return h.comments.Remove(tx, rec, said.ID) })
	if got := h.lookup(ada, "up"); err != nil || got != "" {
		t.Errorf("what was removed is found: %q, %v", got, err)
	}
}

// BenchmarkWords looks for a word that one of 50,000 comments holds, and for one of many.
func BenchmarkWords(b *testing.B) {
	h := openFor(b)
	org := h.Org("Acme")
	rec := h.Make("document", org, record.Values{"name": "Runbook"})
	for from := 0; from < 50000; from += 1000 {
		h.Change(func(tx *gate.Tx) error {
			for i := from; i < from+1000; i++ {
				n, err := tx.NewID()
				if err == nil {
					_, err = tx.Exec(`insert into record_comment (id, record_id, author, source, html, at) values (?, ?, 1, ?, '', ?)`, int64(n), int64(rec), fmt.Sprintf("The printer %d in room %d is out of toner again", i, i%200), i)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	ada := h.person("Ada", access.Editor, org)
	ask := func(b *testing.B, word string) {
		for b.Loop() {
			err := h.Gate.View(b.Context(), ada, func(tx *gate.Tx) error {
				list, _, err := comment.All(tx, comment.Query{Words: []string{word}, Limit: 20, NoTotal: true})
				if err == nil && len(list) == 0 {
					err = fmt.Errorf("%s finds nothing", word)
				}
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, indexed := range []bool{false, true} {
		if indexed {
			if err := comment.Index(b.Context(), h.Gate, ada.Tenant); err != nil {
				b.Fatal(err)
			}
		}
		for _, word := range []string{"4711", "199", "toner"} {
			b.Run(fmt.Sprintf("indexed=%v/%s", indexed, word), func(b *testing.B) { ask(b, word) })
		}
	}
}
