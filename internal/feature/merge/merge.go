// Package merge makes one ticket of several that are about the same, and two of one that is
// about two things.
//
// Always true: what was written stays where it was written; a merged ticket is closed for good
// and names the one into which it went, of its kind and organization, and following that never
// leads back to it; doing either twice is doing it once; who may not change both tickets merges
// nothing, and learns nothing of one that she does not see.
package merge

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/ballot"
	"strongroom/internal/feature/comment"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/mailbox/letter"
	"strongroom/internal/feature/relation"
	"strongroom/internal/feature/sla"
)

// Most is how many tickets are merged at once, and how many a ticket shows that were merged
// into it.
const Most = 50

// Merges merges and splits tickets. Fill the fields.
type Merges struct {
	Records   *record.Engine
	Relations *relation.Relations
}

// Feature is the table of what was split.
func Feature() record.Feature {
	return record.Feature{Name: "merge", Schema: []string{
		`create table if not exists ticket_split (entry_id id primary key, ticket_id int not null, at int not null)`,
		`create index if not exists ticket_split_ticket on ticket_split (ticket_id)`,
	}, Purge: func(tx *gate.Tx, r *record.Record) error {
		_, err := tx.Exec(`delete from ticket_split where entry_id = ? or ticket_id = ?`, int64(r.ID), int64(r.ID))
		return err
	}}
}

// Plan says what a merge would do.
type Plan struct {
	Target *record.Record
	Parts  []Part
}

// Part is one of the tickets that are merged.
type Part struct {
	Ticket   *record.Record
	Done     bool  // it went into the target before
	Wrong    error // why it cannot
	Entries  int64 // written on it
	Files    int
	Watchers int // who do not watch the target yet
	Related  int // records that the target is not related to yet
	Belongs  int // open tickets that belong to it, such as tasks
	Earlier  bool
	Voting   bool   // a vote on it is pending, and ends
	Customer string // who takes part in the target from then on; empty when she is its customer
}

// ticket reads a ticket that can be merged.
func (m *Merges) ticket(tx *gate.Tx, n id.ID) (*record.Record, error) {
	r, err := m.Records.Get(tx, "", n)
	if err == nil && entry.FieldOf(r.Kind.Name) == "" {
		err = gate.Missing()
	}
	return r, err
}

// End is the ticket into which one was merged, by way of others where those were merged too; the
// ticket itself when it was not. NotFound when the caller does not see where it leads.
func (m *Merges) End(tx *gate.Tx, n id.ID) (*record.Record, error) {
	r, err := m.ticket(tx, n)
	for err == nil && r.Values.ID(desk.MergedInto) != 0 {
		r, err = m.ticket(tx, r.Values.ID(desk.MergedInto))
	}
	return r, err
}

// Of lists what was merged into a ticket, at once and by way of others, as far as the caller may see it.
func (m *Merges) Of(tx *gate.Tx, r *record.Record) ([]*record.Record, error) {
	if r.Kind.Field(desk.MergedInto) == nil {
		return nil, nil
	}
	var out []*record.Record
	for next := []any{r.ID}; len(next) > 0 && len(out) < Most; {
		p, err := m.Records.List(tx, r.Kind.Name, record.Query{Limit: Most - len(out), NoTotal: true, Sort: []record.Order{{Field: "id"}}, Filters: []record.Filter{{Field: desk.MergedInto, Op: record.Eq, Values: next}}})
		if err != nil {
			return nil, err
		}
		next = nil
		for _, x := range p.Records {
			out, next = append(out, x), append(next, x.ID)
		}
	}
	return out, nil
}

// Plan says what merging tickets into another would do. NotFound for what the caller does not see.
func (m *Merges) Plan(tx *gate.Tx, into id.ID, which []id.ID) (*Plan, error) {
	target, err := m.End(tx, into)
	if err != nil {
		return nil, err
	}
	p := &Plan{Target: target}
	for _, n := range which {
		if n == target.ID {
			continue
		}
		part, err := m.part(tx, target, n)
		if err != nil {
			return nil, err
		}
		p.Parts = append(p.Parts, *part)
	}
	return p, nil
}

// part looks at one of them.
func (m *Merges) part(tx *gate.Tx, target *record.Record, n id.ID) (*Part, error) {
	r, err := m.ticket(tx, n)
	if err != nil {
		return nil, err
	}
	p := &Part{Ticket: r}
	if p.Done, p.Wrong = m.fits(tx, r, target); p.Done || p.Wrong != nil {
		return p, nil
	}
	if p.Entries, err = m.entries(tx, r.ID); err != nil {
		return nil, err
	}
	files, err := attachment.All(tx, r.ID)
	if err != nil {
		return nil, err
	}
	watchers, err := comment.Watching(tx, r.ID)
	if err != nil {
		return nil, err
	}
	others, err := m.related(tx, r, target)
	if err != nil {
		return nil, err
	}
	belongs, err := m.belongs(tx, r)
	if err != nil {
		return nil, err
	}
	theirs, err := sla.Began(tx, r)
	if err != nil {
		return nil, err
	}
	ours, err := sla.Began(tx, target)
	if err != nil {
		return nil, err
	}
	vote, err := ballot.Of(tx, r.ID)
	if err != nil {
		return nil, err
	}
	p.Voting = vote != nil && vote.Result.State == ballot.Pending
	p.Files, p.Watchers, p.Related, p.Belongs, p.Earlier = len(files), len(watchers), len(others), len(belongs), theirs != 0 && theirs < ours
	if r.Values.ID("contact_id") != target.Values.ID("contact_id") {
		p.Customer = r.Names["contact_id"]
	}
	return p, nil
}

func (m *Merges) entries(tx *gate.Tx, ticket id.ID) (int64, error) {
	if m.Records.Kinds.Kind(entry.Kind) == nil {
		return 0, nil
	}
	p, err := m.Records.List(tx, entry.Kind, record.Query{Parent: ticket, Limit: 1, Only: []string{}})
	if err != nil {
		return 0, err
	}
	return p.Total, nil
}

// fits tells whether a ticket went into another before, or why it cannot. What is not seen is
// not named.
func (m *Merges) fits(tx *gate.Tx, r, target *record.Record) (done bool, err error) {
	for _, x := range []*record.Record{r, target} {
		if err := tx.Check(access.Edit, gate.Thing{ID: x.ID}); err != nil {
			return false, err
		}
	}
	if r.Values.ID(desk.MergedInto) != 0 {
		end, err := m.End(tx, r.ID)
		switch {
		case err == nil && end.ID == target.ID:
			return true, nil
		case err != nil && !fault.Is(err, fault.NotFound):
			return false, err
		}
		return false, fault.New(fault.Invalid, "It was merged into another ticket before.").WithHint("Merge that one.")
	}
	label := strings.ToLower(target.Kind.Label)
	switch {
	case r.ID == target.ID:
		return false, fault.New(fault.Invalid, "A ticket is not merged into itself.").WithHint("Choose another one.")
	case target.Kind.Field(desk.MergedInto) == nil:
		return false, fault.New(fault.Invalid, "Nothing is merged into a %s.", label).WithHint("Relate them to each other instead.")
	case r.Kind != target.Kind:
		return false, fault.New(fault.Invalid, "It is of another kind than the %s into which it would go.", label).WithHint("Relate them to each other instead.")
	case r.Org != target.Org:
		return false, fault.New(fault.Invalid, "It belongs to another organization.").WithHint("Relate them to each other instead.")
	case target.Values.Bool("final"):
		return false, fault.New(fault.Invalid, "The %s into which it would go is %s.", label, target.Values.Text("status")).WithHint("Choose one that is open.")
	case r.Values.Bool("final"):
		return false, fault.New(fault.Invalid, "It is %s, and stays as it is.", r.Values.Text("status")).WithHint("Relate them to each other instead.")
	}
	return false, nil
}

// related are the relations of a ticket that the other does not have.
func (m *Merges) related(tx *gate.Tx, r, target *record.Record) ([]*relation.Item, error) {
	have, err := m.Relations.List(tx, target.ID)
	if err != nil {
		return nil, err
	}
	known := map[id.ID]bool{target.ID: true}
	for _, x := range have {
		if x.ID != 0 {
			known[x.Record] = true
		}
	}
	list, err := m.Relations.List(tx, r.ID)
	if err != nil {
		return nil, err
	}
	var out []*relation.Item
	for _, x := range list {
		if x.ID != 0 && !known[x.Record] {
			out = append(out, x)
		}
	}
	return out, nil
}

// reference is an open ticket that names another.
type reference struct {
	kind, field string
	id          id.ID
}

// mostBelonging is how many open tickets of a kind go along with one that is merged.
const mostBelonging = 500

// belongs are the open tickets that name a ticket: its tasks, what follows a master, what it led to.
func (m *Merges) belongs(tx *gate.Tx, r *record.Record) ([]reference, error) {
	var out []reference
	for _, k := range m.Records.Kinds.Kinds() {
		if entry.FieldOf(k.Name) == "" || k.Field("final") == nil {
			continue
		}
		for i := range k.Fields {
			f := &k.Fields[i]
			if f.Type != record.Ref || f.Ref != r.Kind.Name || !f.Filter || f.ReadOnly {
				continue
			}
			p, err := m.Records.List(tx, k.Name, record.Query{Limit: mostBelonging, NoTotal: true, Only: []string{}, Filters: []record.Filter{
				{Field: f.Name, Op: record.Eq, Values: []any{r.ID}}, {Field: "final", Op: record.Eq, Values: []any{false}}}})
			if err != nil {
				return nil, err
			}
			for _, x := range p.Records {
				out = append(out, reference{k.Name, f.Name, x.ID})
			}
		}
	}
	return out, nil
}

// Into merges a ticket into another, or into the one into which that was merged, and gives that. The
// caller must be allowed to change both. Invalid with the reason when they do not fit.
func (m *Merges) Into(tx *gate.Tx, n, into id.ID) (*record.Record, error) {
	target, err := m.End(tx, into)
	if err != nil {
		return nil, err
	}
	r, err := m.ticket(tx, n)
	if err != nil {
		return nil, err
	}
	done, err := m.fits(tx, r, target)
	if err != nil || done {
		return target, err
	}
	audit, err := tx.Allow(access.Edit, gate.Thing{Kind: target.Kind.Name, ID: target.ID})
	if err != nil {
		return nil, err
	}
	audit.Detail.Text = "merged another ticket into it"
	if err := sla.Merge(tx, target, r.ID); err != nil {
		return nil, err
	}
	if err := m.bring(tx, r, target); err != nil {
		return nil, err
	}
	if err := m.unasked(tx, r); err != nil {
		return nil, err
	}
	_, err = m.Records.Inside().Update(tx, r.Kind.Name, r.ID, 0, record.Values{desk.MergedInto: target.ID})
	return target, err
}

// unasked ends a vote on a ticket that is merged, and says so on it: what was asked is not what the other says.
func (m *Merges) unasked(tx *gate.Tx, r *record.Record) error {
	ended, err := ballot.Finish(tx, r.ID)
	if err != nil || !ended || m.Records.Kinds.Kind(entry.Kind) == nil {
		return err
	}
	_, err = m.Records.Inside().Create(tx, entry.Kind, record.Values{entry.FieldOf(r.Kind.Name): r.ID, "journal_type": entry.Note, "notes_body": "<p>The vote on this has ended without a result, since this was merged into another ticket.</p>"})
	return err
}

// bring takes along what hangs on a ticket: who watches and takes part, what it is related to and
// what belongs to it.
func (m *Merges) bring(tx *gate.Tx, r, target *record.Record) error {
	watchers, err := comment.Watching(tx, r.ID)
	if err != nil {
		return err
	}
	if err := comment.Follow(tx, target.ID, append(watchers, owner(r)...)...); err != nil {
		return err
	}
	if err := letter.Join(tx, r, target); err != nil {
		return err
	}
	others, err := m.related(tx, r, target)
	if err != nil {
		return err
	}
	for _, x := range others {
		made, err := m.Relations.Add(tx, target.ID, x.Record, x.Notes)
		if err == nil && x.Depends != record.Independent {
			_, err = m.Relations.SetDepends(tx, target.ID, made.ID, x.Depends)
		}
		if err != nil {
			return err
		}
	}
	list, err := m.belongs(tx, r)
	if err != nil {
		return err
	}
	for _, x := range list {
		to := target.ID
		if x.kind == r.Kind.Name && x.field == "master_id" {
			if to, err = m.master(tx, r, target); err != nil {
				return err
			}
			if x.id == to { // what remains followed the one that goes
				continue
			}
		}
		if _, err := m.Records.Update(tx, x.kind, x.id, 0, record.Values{x.field: to}); err != nil {
			return err
		}
	}
	return nil
}

// master is what those follow who followed a ticket: the target, which is a master from then on, or
// the one that it follows itself.
func (m *Merges) master(tx *gate.Tx, r, target *record.Record) (id.ID, error) {
	now, err := m.Records.Get(tx, target.Kind.Name, target.ID)
	if err != nil {
		return 0, err
	}
	if its := now.Values.ID("master_id"); its != 0 && its != r.ID {
		end, err := m.End(tx, its)
		if err == nil && !end.Values.Bool("final") {
			return end.ID, nil
		}
	}
	_, err = m.Records.Update(tx, target.Kind.Name, target.ID, 0, record.Values{"master": true, "master_id": nil})
	return target.ID, err
}

func owner(r *record.Record) []id.ID {
	if n := r.Values.ID("owner_id"); n != 0 {
		return []id.ID{n}
	}
	return nil
}
