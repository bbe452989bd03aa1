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
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/mailbox"
	"strongroom/internal/feature/merge"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/sla"
	"strongroom/internal/feature/sla/clock"
)

// TestMerge: several tickets become one, and one becomes two, once and by who may.
func TestMerge(t *testing.T) {
	p := openPost(t)
	m := &merge.Merges{Records: p.Records, Relations: &relation.Relations{Records: p.Records}}
	into := func(c *access.Caller, from, to id.ID) (end *record.Record, err error) {
		t.Helper()
		err = p.Gate.Change(t.Context(), c, access.View, gate.Thing{ID: from}, func(tx *gate.Tx) (err error) {
			end, err = m.Into(tx, from, to)
			return err
		})
		return end, err
	}
	make2 := func(a, b string) (*record.Record, *record.Record) {
		t.Helper()
		one := p.mustMake(incident.Kind, record.Values{"name": a})
		p.Clock.Advance(time.Minute)
		return one, p.mustMake(incident.Kind, record.Values{"name": b})
	}
	refused := func(err error, kind fault.Kind, words string) {
		t.Helper()
		said := ""
		if err != nil {
			said = fault.Say(err).Text
		}
		if !fault.Is(err, kind) || !strings.Contains(said, words) {
			t.Errorf("%v: %q, want %q", err, said, words)
		}
	}

	t.Run("what was merged elsewhere comes in as it was", func(t *testing.T) {
		target := p.mustMake(incident.Kind, record.Values{"name": "Where it went"})
		var came *record.Record
		p.Change(func(tx *gate.Tx) (err error) { // as an import does: first the row, then what it leads to
			e := p.Records.Inside()
			if came, err = e.Create(tx, incident.Kind, record.Values{"organization_id": p.org, "name": "Came merged", "contact_id": p.customer, "number": int64(4711), "status": incident.Closed, "closed_at": int64(1_700_000_000_000)}); err != nil {
				return err
			}
			came, err = e.Update(tx, incident.Kind, came.ID, 0, record.Values{"merged_into_id": target.ID})
			return err
		})
		if came.Values.ID("merged_into_id") != target.ID || came.Values["closed_at"] != int64(1_700_000_000_000) || came.Values.Text("status") != incident.Closed || !came.Values.Bool("final") {
			t.Errorf("%v", came.Values)
		}
		if _, err := p.changed(came, record.Values{"name": "Another"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("it was changed: %v", err)
		}
		if !p.Records.Kinds.Kind(incident.Kind).Field("merged_into_id").Kept {
			t.Error("an export does not hold where it went")
		}
	})
	t.Run("S19 the earlier clock stands", func(t *testing.T) {
		p.promises()
		early := p.mustMake(incident.Kind, record.Values{"name": "No mail at all"})
		p.Clock.Advance(2 * time.Hour)
		late := p.mustMake(incident.Kind, record.Values{"name": "Mail is gone"})
		was := p.due(late)
		end, err := into(p.agent, early.ID, late.ID)
		if err != nil || end.ID != late.ID {
			t.Fatal(end, err)
		}
		now := p.ticket(late.ID)
		var first, gone clock.Clock
		p.View(p.Admin(), func(tx *gate.Tx) error {
			for _, r := range []*record.Record{now, p.ticket(early.ID)} {
				list, _, err := sla.Clocks(tx, r)
				if err != nil {
					return err
				}
				for _, c := range list {
					if c.Measure == clock.Resolution && r.ID == late.ID {
						first = c
					} else if c.Measure == clock.Resolution {
						gone = c
					}
				}
			}
			return nil
		})
		if !first.Started.Equal(time.UnixMilli(early.Created).UTC()) || first.State != clock.Running || p.due(now) == was {
			t.Errorf("it began %v, is %s and due %s as before", first.Started, first.State, p.due(now))
		}
		if gone.State == clock.Running || p.ticket(early.ID).Values[sla.Due] != nil {
			t.Errorf("the clock of the one that is gone is %s", gone.State)
		}
	})
	t.Run("what happens is said before, and then happens once", func(t *testing.T) {
		one, two := make2("Printer jams", "Printer eats paper")
		watcher := p.User(access.Editor)
		config := p.Make("document", p.org, record.Values{"name": "PRN-1"})
		task := p.mustMake("task", record.Values{"name": "Order a drum", "incident_id": one.ID})
		note := p.Make(entry.Kind, 0, record.Values{"incident_id": one.ID, "notes_body": "<p>It smokes</p>"})
		p.Change(func(tx *gate.Tx) error {
			if err := comment.Follow(tx, one.ID, watcher.User); err != nil {
				return err
			}
			_, err := m.Relations.Add(tx, one.ID, config, "jams")
			return err
		})
		p.View(p.agent, func(tx *gate.Tx) error {
			plan, err := m.Plan(tx, two.ID, []id.ID{one.ID, two.ID})
			if err != nil {
				return err
			}
			if len(plan.Parts) != 1 || plan.Target.ID != two.ID {
				t.Fatalf("%+v", plan)
			}
			x := plan.Parts[0]
			if x.Done || x.Wrong != nil || x.Entries != 1 || x.Watchers < 1 || x.Related != 1 || x.Belongs != 1 || !x.Earlier || x.Customer != "" {
				t.Errorf("%+v", x)
			}
			return nil
		})
		for range 2 { // a double click is one
			if end, err := into(p.agent, one.ID, two.ID); err != nil || end.ID != two.ID {
				t.Fatal(end, err)
			}
		}
		gone := p.ticket(one.ID)
		if gone.Values.Text("status") != incident.Closed || gone.Values.ID("merged_into_id") != two.ID || gone.Values["final"] != true || gone.Values["resolved_at"] != nil || gone.Values["closed_at"] == nil {
			t.Errorf("it is %v", gone.Values)
		}
		if got := p.get("task", task.ID).Values.ID("incident_id"); got != two.ID {
			t.Errorf("its task belongs to %v", got)
		}
		p.View(p.agent, func(tx *gate.Tx) error {
			watching, err := comment.Watching(tx, two.ID)
			if err != nil {
				return err
			}
			var found bool
			for _, u := range watching {
				found = found || u == watcher.User
			}
			list, err := m.Relations.List(tx, two.ID)
			if err != nil {
				return err
			}
			related := 0
			for _, x := range list {
				if x.ID != 0 && x.Record == config && x.Notes == "jams" {
					related++
				}
			}
			merged, err := m.Of(tx, two)
			if !found || related != 1 || err != nil || len(merged) != 1 || merged[0].ID != one.ID {
				t.Errorf("watched %v, related %d, merged %v: %v", found, related, merged, err)
			}
			if p.get(entry.Kind, note).Parent != one.ID {
				t.Error("an entry left its ticket")
			}
			return nil
		})
		if _, err := p.changed(gone, record.Values{"urgency": "High"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("what is merged was changed: %v", err)
		}
		if _, err := p.changed(gone, record.Values{"status": incident.Active}); !fault.Is(err, fault.Invalid) {
			t.Errorf("what is merged was opened again: %v", err)
		}
	})
	t.Run("one that was merged leads on, and never back", func(t *testing.T) {
		one, two := make2("A", "B")
		three, four := make2("C", "D")
		for _, x := range [][2]id.ID{{one.ID, two.ID}, {two.ID, three.ID}, {four.ID, one.ID}} { // the last by way of both
			if end, err := into(p.agent, x[0], x[1]); err != nil || x[0] == four.ID && end.ID != three.ID {
				t.Fatal(end, err)
			}
		}
		_, err := into(p.agent, three.ID, one.ID)
		refused(err, fault.Invalid, "not merged into itself")
		_, err = into(p.agent, three.ID, three.ID)
		refused(err, fault.Invalid, "not merged into itself")
		other := p.mustMake(incident.Kind, record.Values{"name": "E"})
		_, err = into(p.agent, one.ID, other.ID)
		refused(err, fault.Invalid, "merged into another ticket before")
		p.View(p.agent, func(tx *gate.Tx) error {
			all, err := m.Of(tx, p.ticket(three.ID))
			if len(all) != 3 {
				t.Errorf("%d were merged into it", len(all))
			}
			return err
		})
	})
	t.Run("who may not, and what does not fit", func(t *testing.T) {
		one, two := make2("Mine", "Theirs")
		reader := p.User(access.ReadOnly)
		_, err := into(reader, one.ID, two.ID)
		if !fault.Is(err, fault.Denied) {
			t.Errorf("a reader: %v", err)
		}
		p.Change(func(tx *gate.Tx) error { return p.Records.SetAccess(tx, incident.Kind, two.ID, true, nil, nil) })
		_, hidden := into(p.agent, one.ID, two.ID)
		_, none := into(p.agent, one.ID, 999999)
		if !fault.Is(hidden, fault.NotFound) || fault.Say(hidden).Text != fault.Say(none).Text { // T1: no number is told
			t.Errorf("one that she does not see: %v, one that is not there: %v", hidden, none)
		}
		problem := p.mustMake("problem", record.Values{"name": "Deep", "category_id": p.one("category", "Software")})
		_, err = into(p.agent, one.ID, problem.ID)
		refused(err, fault.Invalid, "another kind")
		change := p.mustMake("change", record.Values{"name": "Swap", "change_type": "Minor", "description": "<p>x</p>"})
		_, err = into(p.agent, change.ID, change.ID)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("a change: %v", err)
		}
		far := p.Org("Elsewhere")
		elsewhere := p.Make(incident.Kind, far, record.Values{"name": "Far", "contact_id": p.Make("contact", far, record.Values{"first_name": "Nils"})})
		_, err = into(p.Admin(), one.ID, elsewhere)
		refused(err, fault.Invalid, "another organization")
		if _, err := p.changed(one, record.Values{"merged_into_id": elsewhere}); err != nil || p.ticket(one.ID).Values["merged_into_id"] != nil {
			t.Errorf("it was merged by saying so: %v", err)
		}
	})
	t.Run("what followed a master follows what it went into", func(t *testing.T) {
		master, target := make2("Everything is down", "All is down")
		p.mustUpdate(incident.Kind, master.ID, record.Values{"master": true})
		follower := p.mustMake(incident.Kind, record.Values{"name": "Me too", "master_id": master.ID})
		p.mustUpdate(incident.Kind, target.ID, record.Values{"master_id": master.ID})
		if _, err := into(p.agent, master.ID, target.ID); err != nil {
			t.Fatal(err)
		}
		now := p.ticket(target.ID)
		if p.ticket(follower.ID).Values.ID("master_id") != target.ID || now.Values["master"] != true || now.Values["master_id"] != nil {
			t.Errorf("it follows %v; the target is %v", p.ticket(follower.ID).Values["master_id"], now.Values)
		}
	})
	t.Run("M11 an answer to a merged ticket goes on the one it went into", func(t *testing.T) {
		one, two := make2("Scanner", "Scanner again")
		ida := p.Make("contact", p.org, record.Values{"first_name": "Ida", "contact_emails": []map[string]any{{"value": "ida@harbour.example"}}})
		p.mustUpdate(incident.Kind, one.ID, record.Values{"contact_id": ida})
		if _, err := into(p.agent, one.ID, two.ID); err != nil {
			t.Fatal(err)
		}
		if n := p.count(`select count(*) from mailbox_person where address = 'ida@harbour.example' and ticket_id = ` + two.ID.String()); n != 1 {
			t.Errorf("the customer of the merged one takes part %d times", n)
		}
		got := p.brings("From: ida@harbour.example\nIn-Reply-To: <"+p.token(one.ID)+">\nSubject: Re: Scanner\n", "It beeps.")
		if got.State != mailbox.Filed || got.Ticket != two.ID {
			t.Fatalf("%+v", got)
		}
		if list := p.entries(two.ID); len(list) != 1 || !strings.Contains(list[0].Values.Text("notes_body"), "It beeps") || len(p.entries(one.ID)) != 0 {
			t.Errorf("entries %v", list)
		}
	})
	t.Run("an entry becomes a ticket", func(t *testing.T) {
		one, two := make2("Two things", "Other")
		store := &attachment.Store{Gate: p.Gate}
		note := p.Make(entry.Kind, 0, record.Values{"incident_id": one.ID, "notes_body": "<p>And my screen is dark</p>"})
		f, err := store.Add(t.Context(), p.Admin(), note, "dark.txt", strings.NewReader("dark"))
		if err != nil {
			t.Fatal(err)
		}
		said := p.get(entry.Kind, note).Created
		p.Clock.Advance(time.Hour)
		split := func(c *access.Caller) (made *record.Record, err error) {
			err = p.Gate.Change(t.Context(), c, access.View, gate.Thing{ID: one.ID}, func(tx *gate.Tx) (err error) {
				made, err = m.Split(tx, note, "The screen is dark")
				return err
			})
			return made, err
		}
		if _, err := split(p.User(access.ReadOnly)); !fault.Is(err, fault.Denied) {
			t.Errorf("a reader: %v", err)
		}
		made, err := split(p.agent)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := split(p.agent); err != nil || again.ID != made.ID {
			t.Errorf("a second time: %v, %v", again, err)
		}
		v := made.Values
		if made.Name != "The screen is dark" || made.Org != p.org || v.ID("contact_id") != p.customer || v.Text("description") != "<p>And my screen is dark</p>" || v[sla.Reported] != said {
			t.Errorf("it is %q: %v", made.Name, v)
		}
		if err := store.Remove(t.Context(), p.Admin(), f.ID); err != nil { // its content is that of the copy too
			t.Fatal(err)
		}
		p.View(p.agent, func(tx *gate.Tx) error {
			files, err := attachment.List(tx, made.ID, attachment.Attached)
			if err != nil || len(files) != 1 {
				t.Fatal(files, err)
			}
			_, o, err := store.Open(t.Context(), p.Admin(), files[0].ID)
			if err != nil {
				return err
			}
			o.Close()
			into, err := m.SplitInto(tx, []id.ID{note, two.ID})
			if len(into) != 1 || into[note].ID != made.ID {
				t.Errorf("it became %v", into)
			}
			return err
		})
		if p.get(entry.Kind, note).Parent != one.ID {
			t.Error("the entry left its ticket")
		}
	})
}
