package merge

import (
	"database/sql"
	"errors"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/sla"
)

// splitNote is what the relation of both tickets says.
const splitNote = "One was split off from the other."

// Entry gives an entry that the caller may see, with its ticket.
func (m *Merges) Entry(tx *gate.Tx, n id.ID) (e, ticket *record.Record, err error) {
	if m.Records.Kinds.Kind(entry.Kind) == nil {
		return nil, nil, gate.Missing()
	}
	if e, err = m.Records.Get(tx, entry.Kind, n); err != nil {
		return nil, nil, err
	}
	ticket, err = m.ticket(tx, e.Parent)
	return e, ticket, err
}

// SplitInto gives the tickets that entries became, by entry, as far as the caller may see them.
func (m *Merges) SplitInto(tx *gate.Tx, entries []id.ID) (map[id.ID]*record.Record, error) {
	out := map[id.ID]*record.Record{}
	for _, n := range entries {
		r, err := m.split(tx, n)
		if err != nil {
			return nil, err
		}
		if r != nil {
			out[n] = r
		}
	}
	return out, nil
}

// split is the ticket that an entry became; nil when it became none, or none that is seen.
func (m *Merges) split(tx *gate.Tx, n id.ID) (*record.Record, error) {
	var to int64
	err := tx.QueryRow(`select ticket_id from ticket_split where entry_id = ?`, int64(n)).Scan(&to)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := m.Records.Get(tx, "", id.ID(to))
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return r, err
}

// Split makes a ticket of an entry, of the kind of the ticket on which it is written, and relates the
// two. The entry stays where it is; its files are in both. An entry becomes one ticket at most: that is
// given again. The caller must be allowed to change the ticket, and to make one.
func (m *Merges) Split(tx *gate.Tx, n id.ID, name string) (*record.Record, error) {
	e, ticket, err := m.Entry(tx, n)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Allow(access.Edit, gate.Thing{Kind: ticket.Kind.Name, ID: ticket.ID}); err != nil {
		return nil, err
	}
	if ticket.Kind.Field(desk.MergedInto) == nil {
		return nil, fault.New(fault.Invalid, "Nothing is split off from a ticket of this kind.").WithHint("Make another ticket, and relate the two.")
	}
	if made, err := m.split(tx, n); err != nil || made != nil {
		return made, err
	}
	v := record.Values{"name": name, "organization_id": ticket.Org, "description": e.Values.Text("notes_body")}
	for _, f := range []string{"contact_id", "reported_by_id", "source", "service_id"} {
		if ticket.Kind.Field(f) != nil && ticket.Values[f] != nil {
			v[f] = ticket.Values[f]
		}
	}
	for i := range ticket.Kind.Fields { // what no ticket of the kind may lack
		if f := &ticket.Kind.Fields[i]; f.Required && v[f.Name] == nil && f.Name != "name" && !f.ReadOnly {
			v[f.Name] = ticket.Values[f.Name]
		}
	}
	if ticket.Kind.Field(sla.Reported) != nil {
		v[sla.Reported] = e.Created
	}
	made, err := m.Records.Create(tx, ticket.Kind.Name, v)
	if err != nil {
		return nil, err
	}
	if ticket.Restricted {
		_, users, groups, err := m.Records.Access(tx, ticket.ID)
		if err == nil {
			err = m.Records.SetAccess(tx, made.Kind.Name, made.ID, true, users, groups)
		}
		if err != nil {
			return nil, err
		}
	}
	if _, err := attachment.Copy(tx, e.ID, made.ID); err != nil {
		return nil, err
	}
	if _, err := m.Relations.Add(tx, ticket.ID, made.ID, splitNote); err != nil {
		return nil, err
	}
	_, err = tx.Exec(`insert into ticket_split (entry_id, ticket_id, at) values (?, ?, ?) on conflict (entry_id) do update set ticket_id = excluded.ticket_id, at = excluded.at`, int64(e.ID), int64(made.ID), tx.Now)
	return made, err
}
