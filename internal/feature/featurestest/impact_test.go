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
	"strongroom/internal/feature/change"
)

// TestImpactOfChanges: a change affects what it is related to and what breaks with that;
// it is kept when the change is scheduled, approved with it, and shown to who sees it.
func TestImpactOfChanges(t *testing.T) {
	c := openCouncil(t)
	s := relations(c.house)
	other := c.Org("Northgate")
	server := func(org id.ID, name string) id.ID {
		return c.Make("configuration", org, record.Values{"name": name, "configuration_type_id": c.one("configuration_type", "Server")})
	}
	host, guest, hidden, lone := server(c.org, "HOST"), server(other, "GUEST"), server(other, "HIDDEN"), server(c.org, "LONE")
	needs := func(of, on id.ID) {
		c.Change(func(tx *gate.Tx) error {
			it, err := s.Add(tx, of, on, "")
			if err == nil {
				_, err = s.SetDepends(tx, of, it.ID, record.DependsOn)
			}
			return err
		})
	}
	relate := func(r *record.Record, to id.ID) {
		c.Change(func(tx *gate.Tx) error { _, err := s.Add(tx, r.ID, to, ""); return err })
	}
	needs(guest, host)
	c.Change(func(tx *gate.Tx) error {
		return c.Records.SetAccess(tx, "configuration", hidden, true, []id.ID{c.chief.User}, nil)
	})
	needs(hidden, host)
	affects := func(who *access.Caller, r *record.Record) string {
		t.Helper()
		var names []string
		c.View(who, func(tx *gate.Tx) error {
			all, err := change.Affects(tx, r.ID)
			if err != nil {
				return err
			}
			list, err := change.Things(tx, c.Records, all[r.ID])
			for _, x := range list {
				names = append(names, x.Name+" of "+x.OrgName)
			}
			return err
		})
		return strings.Join(names, ", ")
	}
	v := c.whole(change.Kind, change.Life())
	v["change_type"] = "Significant"
	r := c.mustMake(change.Kind, v)
	relate(r, host)
	for _, state := range []string{change.Requested, change.PendingApproval} {
		c.mustChange(r, record.Values{"status": state})
	}
	if got := affects(c.chief, r); got != "HOST of Harbour Dental, GUEST of Northgate, HIDDEN of Northgate" {
		t.Fatalf("it affects %s", got)
	}
	if got := affects(c.agent, r); got != "HOST of Harbour Dental, GUEST of Northgate" {
		t.Errorf("to who may not see all it affects %s", got)
	}
	pass := func() {
		b := c.of(r).ID
		for _, who := range []*access.Caller{c.board[0], c.board[1], c.chief} {
			c.must(c.says(who, r, b, true))
		}
	}
	pass()
	t.Run("A6 what it affects has changed since it was approved", func(t *testing.T) {
		relate(r, lone)
		if _, err := c.changed(r, record.Values{"status": change.Scheduled}); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Say(err).Fields["status"], "What was approved is not") {
			t.Errorf("scheduled: %v", err)
		}
		c.mustChange(r, record.Values{"urgency": "Low"}) // is asked again
		if _, err := c.changed(r, record.Values{"status": change.Scheduled}); !fault.Is(err, fault.Invalid) {
			t.Errorf("scheduled by the old approval: %v", err)
		}
		pass()
		c.mustChange(r, record.Values{"status": change.Scheduled})
	})
	t.Run("kept once it is scheduled, and written by nobody", func(t *testing.T) {
		needs(lone, guest)
		c.Change(func(tx *gate.Tx) error { return c.Records.Trash(tx, "configuration", guest) })
		c.mustChange(r, record.Values{"urgency": "High"})
		if got := affects(c.agent, r); got != "HOST of Harbour Dental, LONE of Harbour Dental" {
			t.Errorf("it affects %s", got)
		}
		_, _ = c.changed(r, record.Values{change.Impact: 9})
		shows(t, c.get(change.Kind, r.ID), record.Values{change.Impact: int64(2)})
	})
	t.Run("what a type demands", func(t *testing.T) {
		for typ, weighty := range map[string]bool{"Standard": false, "Minor": false, "Significant": true, "Major": true, "Emergency": true} {
			v := c.whole(change.Kind, change.Life())
			v["change_type"] = typ
			delete(v, "backout")
			delete(v, "review")
			x := c.mustMake(change.Kind, v)
			c.mustChange(x, record.Values{"status": change.Requested})
			if _, err := c.changed(x, record.Values{"status": change.PendingApproval}); (err != nil) != weighty || weighty && fault.Say(err).Fields["backout"] == "" {
				t.Errorf("%s without a way back: %v", typ, err)
			}
			done := c.in(change.Kind, change.Life(), change.Implemented, 9000+len(typ))
			c.Change(func(tx *gate.Tx) error {
				_, err := c.Records.Update(tx, change.Kind, done.ID, 0, record.Values{"change_type": typ, "review": nil})
				return err
			})
			if _, err := c.changed(done, record.Values{"status": change.Closed}); (err != nil) != weighty || weighty && fault.Say(err).Fields["review"] == "" {
				t.Errorf("%s is closed without a review: %v", typ, err)
			}
		}
	})
}

// TestConflicts: two changes conflict when they are made at the same time to the same.
func TestConflicts(t *testing.T) {
	hour := time.Hour.Milliseconds()
	affects := map[id.ID][]id.ID{}
	planned := func(from, to int64, things ...id.ID) *record.Record {
		n := id.ID(len(affects) + 1)
		affects[n] = things
		return &record.Record{ID: n, Values: record.Values{"scheduled_start": from * hour, "scheduled_end": to * hour}}
	}
	for name, c := range map[string]struct {
		list []*record.Record
		want int
	}{
		"the same at the same time": {[]*record.Record{planned(1, 3, 7, 8), planned(2, 4, 8, 9)}, 1},
		"one within another":        {[]*record.Record{planned(1, 9, 7), planned(2, 4, 7)}, 1},
		"one after another":         {[]*record.Record{planned(1, 2, 7), planned(2, 4, 7)}, 0},
		"others at the same time":   {[]*record.Record{planned(1, 3, 7), planned(2, 4, 8)}, 0},
		"nothing":                   {[]*record.Record{planned(1, 3), planned(1, 3)}, 0},
		"three":                     {[]*record.Record{planned(1, 3, 7), planned(2, 4, 7), planned(1, 9, 7)}, 3},
	} {
		if got := change.Conflicts(c.list, affects); len(got) != c.want {
			t.Errorf("%s: %d conflicts, want %d", name, len(got), c.want)
		}
	}
}
