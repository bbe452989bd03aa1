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
	"strongroom/internal/feature/incident"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/notification"
	"strongroom/internal/feature/task"
)

// wrote writes an entry on a ticket as somebody.
func (b *bench) wrote(c *access.Caller, on *record.Record, v record.Values) (*record.Record, error) {
	var r *record.Record
	err := b.Gate.Change(b.t.Context(), c, access.Create, gate.Thing{Kind: entry.Kind}, func(tx *gate.Tx) (err error) {
		w := record.Values{"notes_body": "<p>Seen to.</p>", entry.FieldOf(on.Kind.Name): on.ID}
		for k, x := range v {
			w[k] = x
		}
		r, err = b.Records.Create(tx, entry.Kind, w)
		return err
	})
	return r, err
}

func (b *bench) mustWrite(c *access.Caller, on *record.Record, v record.Values) *record.Record {
	b.t.Helper()
	r, err := b.wrote(c, on, v)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (b *bench) edited(c *access.Caller, e id.ID, v record.Values) (*record.Record, error) {
	var r *record.Record
	err := b.Gate.Change(b.t.Context(), c, access.Edit, gate.Thing{ID: e}, func(tx *gate.Tx) (err error) {
		r, err = b.Records.Update(tx, entry.Kind, e, 0, v)
		return err
	})
	return r, err
}

// news gives what somebody was told, and forgets it.
func (b *bench) news(c *access.Caller) string {
	b.t.Helper()
	var out []string
	err := b.Gate.Change(b.t.Context(), c, access.View, gate.Thing{}, func(tx *gate.Tx) error {
		p, err := notification.List(tx, notification.Query{Unread: true})
		if err != nil {
			return err
		}
		for _, l := range p.Lines {
			out = append(out, l.Plain())
		}
		_, err = notification.MarkAll(tx, "", tx.Now)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.Join(out, "; ")
}

func TestJournal(t *testing.T) {
	b := openBench(t)
	mate := b.User(access.Editor)
	b.mustUpdate("user", mate.User, record.Values{"name": "Ilka Moor"})
	inc := b.mustMake(incident.Kind, record.Values{"name": "No dial tone", "category_id": b.one("category", "Software")})
	tsk := b.mustMake(task.Kind, record.Values{"incident_id": inc.ID})

	t.Run("types say who reads it", func(t *testing.T) {
		for typ, public := range map[string]bool{entry.Note: false, entry.Reply: true, entry.WorkNote: false, entry.Email: true} {
			for _, asked := range []any{nil, !public} {
				e := b.mustWrite(b.agent, tsk, record.Values{"journal_type": typ, "publish_to_web": asked})
				want := public || typ == entry.Note && asked == true // a note is published when somebody says so
				shows(t, e, record.Values{"publish_to_web": want, "task_id": tsk.ID})
			}
		}
		if e := b.mustWrite(b.agent, inc, record.Values{"notes_body": "<p>" + strings.Repeat("long ", 40) + "</p>"}); len([]rune(e.Name)) > 80 || !strings.HasPrefix(e.Name, "long long") {
			t.Errorf("it is called %q", e.Name)
		}
	})
	t.Run("on one ticket", func(t *testing.T) {
		_, err := b.wrote(b.agent, inc, record.Values{"task_id": tsk.ID})
		invalid(t, err, "task_id")
		_, err = b.wrote(b.agent, inc, record.Values{"incident_id": nil})
		invalid(t, err, "incident_id")
		_, err = b.wrote(b.agent, inc, record.Values{"notes_body": "<p> </p>"})
		invalid(t, err, "notes_body")
	})
	t.Run("stands", func(t *testing.T) {
		e := b.mustWrite(b.agent, inc, nil)
		b.Clock.Advance(entry.Grace)
		now, err := b.edited(b.agent, e.ID, record.Values{"notes_body": "<p>Seen to, <b>twice</b>.</p>"})
		if err != nil || now.Name != "Seen to, twice." || now.Version != 2 {
			t.Fatalf("its author cannot change it in time: %v, %v", now, err)
		}
		b.View(b.agent, func(tx *gate.Tx) error {
			list, err := b.Records.Revisions(tx, entry.Kind, e.ID)
			if len(list) != 2 || list[1].Values.Text("notes_body") != "<p>Seen to.</p>" {
				t.Errorf("what it said is not kept: %v", list)
			}
			return err
		})
		if _, err := b.edited(mate, e.ID, record.Values{"notes_body": "<p>Mine now</p>"}); !fault.Is(err, fault.Denied) {
			t.Errorf("another changes it: %v", err)
		}
		if _, err := b.edited(b.agent, e.ID, record.Values{"incident_id": nil, "task_id": tsk.ID}); !fault.Is(err, fault.Invalid) {
			t.Errorf("it moves to another ticket: %v", err)
		}
		b.Clock.Advance(time.Millisecond)
		if _, err := b.edited(b.agent, e.ID, record.Values{"notes_body": "<p>Later</p>"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("it changes when it is old: %v", err)
		}
		for _, c := range []*access.Caller{mate, b.agent} {
			err := b.Gate.Change(t.Context(), c, access.Delete, gate.Thing{ID: e.ID}, func(tx *gate.Tx) error { return b.Records.Trash(tx, entry.Kind, e.ID) })
			if !fault.Is(err, fault.Denied) {
				t.Errorf("it can be deleted: %v", err)
			}
		}
		b.trash(entry.Kind, e.ID) // by an administrator
	})
	t.Run("told", func(t *testing.T) {
		b.news(mate)
		b.mustUpdate(incident.Kind, inc.ID, record.Values{"owner_id": mate.User})
		b.news(mate)
		b.mustWrite(b.agent, inc, nil)
		if got := b.news(mate); !strings.Contains(got, "wrote on No dial tone") {
			t.Errorf("the owner was told %q", got)
		}
		b.mustWrite(b.agent, tsk, record.Values{"notes_body": "<p>Please look, @Ilka Moor</p>"})
		if got := b.news(mate); !strings.Contains(got, "mentioned you on") {
			t.Errorf("who is mentioned was told %q", got)
		}
		b.news(b.agent)
		b.mustWrite(mate, tsk, nil)
		if got := b.news(b.agent); !strings.Contains(got, "wrote on") {
			t.Errorf("who wrote before was told %q", got)
		}
	})
	t.Run("read by who sees the ticket", func(t *testing.T) {
		shut := b.mustMake(incident.Kind, record.Values{"name": "Theft", "category_id": b.one("category", "Software")})
		before := b.mustWrite(b.agent, shut, record.Values{"notes_body": "<p>It was the shoemaker.</p>"})
		b.Change(func(tx *gate.Tx) error {
			return b.Records.SetAccess(tx, incident.Kind, shut.ID, true, []id.ID{b.agent.User}, nil)
		})
		later := b.mustWrite(b.agent, shut, record.Values{"notes_body": "<p>The shoemaker confessed.</p>"})
		for _, e := range []*record.Record{before, later} {
			err := b.Gate.View(t.Context(), mate, func(tx *gate.Tx) error { _, err := b.Records.Get(tx, entry.Kind, e.ID); return err })
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("an entry of a closed ticket is read: %v", err)
			}
		}
		if _, err := b.wrote(mate, shut, nil); !fault.Is(err, fault.NotFound) {
			t.Errorf("an entry is written on a ticket that is not seen: %v", err)
		}
		b.trash(incident.Kind, shut.ID) // takes them along
		b.View(b.Admin(), func(tx *gate.Tx) error {
			p, err := b.Records.List(tx, entry.Kind, record.Query{Parent: shut.ID, Limit: 5})
			if err == nil && len(p.Records) != 0 {
				t.Error("entries stay behind")
			}
			return err
		})
	})
}
