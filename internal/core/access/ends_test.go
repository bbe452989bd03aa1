package access_test

import (
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/coretest"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/search"
)

// sight is what somebody sees of the documents of a house by every way.
type sight struct {
	got                  bool
	listed, kept, totals int64
	found                int
}

func look(h *coretest.House, c *access.Caller, doc id.ID) (s sight) {
	h.View(c, func(tx *gate.Tx) error {
		_, err := h.Records.Get(tx, "document", doc)
		if s.got = err == nil; !s.got && !fault.Is(err, fault.NotFound) {
			return err
		}
		p, err := h.Records.List(tx, "document", record.Query{Limit: 1})
		if err != nil {
			return err
		}
		s.listed, s.kept = int64(len(p.Records)), p.Total
		totals, err := h.Records.Totals(tx, 0)
		if err != nil {
			return err
		}
		s.totals = totals["document"]
		hits, err := search.Find(tx, "quarterly", search.Options{Limit: 10})
		s.found = len(hits)
		return err
	})
	return s
}

// TestAccessEnds: at its end a grant, to a user or to a group, counts no more: the
// record is not found, not listed, not searched and not counted, and nothing had
// to run for it.
func TestAccessEnds(t *testing.T) {
	h := coretest.Open(t, coretest.Options{})
	org := h.Org("A")
	for name, by := range map[string]func(*access.Caller) (users, groups []id.ID){
		"by name":  func(c *access.Caller) (users, groups []id.ID) { return []id.ID{c.User}, nil },
		"by group": func(c *access.Caller) (users, groups []id.ID) { return nil, c.Groups },
	} {
		t.Run(name, func(t *testing.T) {
			who := h.User(access.Editor, h.Org("Of "+name))
			doc := h.Make("document", org, record.Values{"name": "Quarterly figures " + name, "restricted": true})
			users, groups := by(who)
			until := h.Clock.Now().Add(time.Hour)
			h.Change(func(tx *gate.Tx) error {
				if err := access.SetGrants(tx.SQL(), doc, users, groups); err != nil {
					return err
				}
				return access.SetEnds(tx.SQL(), doc, map[id.ID]int64{append(users, groups...)[0]: until.UnixMilli()})
			})
			who.Granted = true
			if got := look(h, who, doc); got != (sight{true, 1, 1, 1, 1}) {
				t.Errorf("before the end: %+v", got)
			}
			h.Clock.Advance(time.Hour - time.Millisecond)
			if got := look(h, who, doc); !got.got {
				t.Error("the last millisecond is missing")
			}
			h.Clock.Advance(time.Millisecond)
			if got := look(h, who, doc); got != (sight{}) {
				t.Errorf("at the end: %+v", got)
			}
			err := h.Gate.Change(t.Context(), who, access.Edit, gate.Thing{Kind: "document", ID: doc}, func(*gate.Tx) error { return nil })
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("a change after the end: %v", err)
			}
			h.Change(func(tx *gate.Tx) error { return access.SetGrants(tx.SQL(), doc, users, groups) })
			if got := look(h, who, doc); got.got {
				t.Error("saving the list as it is opens what is over")
			}
			h.Change(func(tx *gate.Tx) error {
				return access.SetEnds(tx.SQL(), doc, map[id.ID]int64{append(users, groups...)[0]: 0})
			})
			if got := look(h, who, doc); !got.got {
				t.Error("an end that was taken away counts")
			}
		})
	}
}
