package featurestest_test

import (
	"strings"
	"testing"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/external"
	"strongroom/internal/feature/favourite"
	"strongroom/internal/feature/relation"
)

// relations lists what is related to rec as "name/reason/notes".
func (h *house) relations(c *access.Caller, rec id.ID) string {
	h.t.Helper()
	s := &relation.Relations{Records: h.Records, Sources: []relation.Source{{Kind: "password", Field: "resource_id", Reason: "Embedded password", Back: "Belongs to"}}}
	var out []string
	h.View(c, func(tx *gate.Tx) error {
		list, err := s.List(tx, rec)
		for _, it := range list {
			out = append(out, it.Name+"/"+it.Reason+"/"+it.Notes)
		}
		return err
	})
	return strings.Join(out, " ")
}

func TestRelationsAreSeenFromBothSides(t *testing.T) {
	o := newOffice(t)
	place := o.Make("location", o.org, record.Values{"name": "Pier"})
	doc := o.Make("document", o.org, record.Values{"name": "Runbook"})
	hidden := o.Make("document", o.org, record.Values{"name": "Board", "restricted": true})
	c := o.config(record.Values{"name": "SRV", "location_id": place})
	o.Make("password", o.org, record.Values{"name": "iDRAC", "resource_type": "Configuration", "resource_id": int64(c)})
	s := &relation.Relations{Records: o.Records}
	var made *relation.Item
	add := func(from, to id.ID, notes string) {
		t.Helper()
		o.Change(func(tx *gate.Tx) error {
			var err error
			made, err = s.Add(tx, from, to, notes)
			return err
		})
	}
	add(c, doc, "how to restart it")
	first := made.ID
	add(doc, c, "") // the same pair: one relation, its note kept
	if made.ID != first || made.Record != c || made.Notes != "how to restart it" {
		t.Errorf("relating the same two again gives %+v", made)
	}
	add(c, hidden, "")
	admin, editor := o.Admin(), o.User(access.Editor, o.org)
	for _, l := range []struct {
		who  *access.Caller
		of   id.ID
		want string
	}{
		{admin, c, "Board// Runbook//how to restart it Pier/Location/ iDRAC/Embedded password/"},
		{editor, c, "Runbook//how to restart it Pier/Location/ iDRAC/Embedded password/"},
		{admin, doc, "SRV//how to restart it"},
		{admin, place, "SRV/Location of/"},
	} {
		if got := o.relations(l.who, l.of); got != l.want {
			t.Errorf("%s sees %q, want %q", l.who.Name, got, l.want)
		}
	}
	err := o.Gate.Change(t.Context(), editor, access.Edit, gate.Thing{ID: c}, func(tx *gate.Tx) error {
		_, err := s.Add(tx, c, hidden, "")
		return err
	})
	invalid(t, err, "destination_id")
	o.Change(func(tx *gate.Tx) error {
		it, err := s.SetNotes(tx, doc, first, "restart")
		if err == nil && it.Notes != "restart" {
			t.Errorf("the note is %q", it.Notes)
		}
		return err
	})
	err = o.Gate.Change(t.Context(), admin, access.Edit, gate.Thing{ID: place}, func(tx *gate.Tx) error { return s.Remove(tx, place, first) })
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("a relation of others was removed: %v", err)
	}
	o.Change(func(tx *gate.Tx) error { return s.Remove(tx, doc, first) })
	if got := o.relations(admin, doc); got != "" {
		t.Errorf("after removing there is %q", got)
	}
	invalid(t, o.Gate.Change(t.Context(), admin, access.Edit, gate.Thing{ID: c}, func(tx *gate.Tx) error {
		_, err := s.Add(tx, c, c, "")
		return err
	}), "destination_id")
	o.purge("document", hidden)
	if got := o.relations(admin, c); got != "Pier/Location/ iDRAC/Embedded password/" {
		t.Errorf("after purging there is %q", got)
	}
}

func TestFavouritesAndRecent(t *testing.T) {
	h := open(t, false)
	a, b := h.Org("Harbour"), h.Org("Kestrel")
	pier := h.Make("location", a, record.Values{"name": "Pier"})
	quay := h.Make("location", a, record.Values{"name": "Quay"})
	depot := h.Make("location", b, record.Values{"name": "Depot"})
	me, other := h.User(access.Editor, a), h.User(access.Editor, a)
	set := func(rec id.ID, on bool) error {
		return h.Gate.Change(t.Context(), me, access.View, gate.Thing{ID: rec}, func(tx *gate.Tx) error { return favourite.Set(tx, rec, on) })
	}
	for _, rec := range []id.ID{quay, pier, pier} {
		if err := set(rec, true); err != nil {
			t.Fatal(err)
		}
	}
	if err := set(depot, true); !fault.Is(err, fault.NotFound) {
		t.Errorf("something hidden became a favourite: %v", err)
	}
	names := func(c *access.Caller, list func(*gate.Tx) ([]favourite.Item, error)) string {
		var out []string
		h.View(c, func(tx *gate.Tx) error {
			items, err := list(tx)
			for _, it := range items {
				out = append(out, it.Name+" of "+it.OrgName)
			}
			return err
		})
		return strings.Join(out, ", ")
	}
	if got := names(me, favourite.List); got != "Pier of Harbour, Quay of Harbour" {
		t.Errorf("favourites are %q", got)
	}
	if got := names(other, favourite.List); got != "" {
		t.Errorf("somebody else's favourites are %q", got)
	}
	if err := set(quay, false); err != nil {
		t.Fatal(err)
	}
	visits := favourite.Visits{Gate: h.Gate}
	for _, rec := range []id.ID{pier, quay, pier} {
		if err := visits.Note(t.Context(), me, rec); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(2 * time.Minute)
	}
	if err := visits.Note(t.Context(), me, depot); !fault.Is(err, fault.NotFound) {
		t.Errorf("looked at something hidden: %v", err)
	}
	recent := func(tx *gate.Tx) ([]favourite.Item, error) { return favourite.Recent(tx, 10) }
	if got := names(me, recent); got != "Pier of Harbour, Quay of Harbour" {
		t.Errorf("recently viewed are %q", got)
	}
	h.purge("location", pier)
	if got := names(me, recent); got != "Quay of Harbour" {
		t.Errorf("after purging, recently viewed are %q", got)
	}
	h.View(me, func(tx *gate.Tx) error {
		on, err := favourite.Is(tx, quay)
		if on {
			t.Error("an unmarked favourite is one still")
		}
		return err
	})
}

func TestRecentKeepsTheLatest(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	me := h.User(access.Editor, org)
	visits := favourite.Visits{Gate: h.Gate}
	for range favourite.Keep + 3 {
		rec := h.Make("location", org, record.Values{"name": "Pier"})
		if err := visits.Note(t.Context(), me, rec); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(time.Minute)
	}
	h.View(me, func(tx *gate.Tx) error {
		list, err := favourite.Recent(tx, 1000)
		if len(list) != favourite.Keep {
			t.Errorf("%d are kept, want %d", len(list), favourite.Keep)
		}
		return err
	})
}

func TestExternalRows(t *testing.T) {
	h := open(t, false)
	org := h.Org("Harbour")
	rec := h.Make("location", org, record.Values{"name": "Pier"})
	old, changed := external.Hash("Pier", ""), external.Hash("", "Pier")
	if old == changed {
		t.Error("two different rows have the same hash")
	}
	h.Change(func(tx *gate.Tx) error {
		for _, r := range []struct{ typ, id string }{{"locations", "7"}, {"locations", "8"}, {"contacts", "7"}} {
			if err := external.Save(tx, "itglue", r.typ, r.id, rec, old); err != nil {
				return err
			}
		}
		return external.Save(tx, "itglue", "locations", "7", rec, changed)
	})
	h.View(h.Admin(), func(tx *gate.Tx) error {
		got, hash, err := external.Find(tx, "itglue", "locations", "7")
		if err != nil || got != rec || hash != changed {
			t.Errorf("found %v with %s: %v", got, hash, err)
		}
		if got, _, err := external.Find(tx, "hudu", "locations", "7"); err != nil || got != 0 {
			t.Errorf("found %v of another source: %v", got, err)
		}
		all, err := external.BySource(tx, "itglue", "locations")
		if err != nil || len(all) != 2 || all["8"].Record != rec || all["8"].Hash != old {
			t.Errorf("loaded %v: %v", all, err)
		}
		of, err := external.Of(tx, rec)
		if err != nil || len(of) != 3 || of[0].Type != "contacts" {
			t.Errorf("the record stands for %v: %v", of, err)
		}
		ids, err := external.Records(tx, "itglue", "7")
		if len(ids) != 2 {
			t.Errorf("7 stands for %v", ids)
		}
		return err
	})
	h.Change(func(tx *gate.Tx) error { return external.Forget(tx, "itglue", "contacts", "7") })
	h.purge("location", rec)
	h.View(h.Admin(), func(tx *gate.Tx) error {
		all, err := external.BySource(tx, "itglue", "locations")
		if len(all) != 0 {
			t.Errorf("%d are left", len(all))
		}
		return err
	})
}
