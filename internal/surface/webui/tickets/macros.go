package tickets

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/checklist/step"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/macro"
	"strongroom/internal/surface/webui/shell"
)

// macros are the buttons of what may be applied to a ticket: those that only write fill
// in their text, the others do what they do.
func (v *visit) macros(tx *gate.Tx, r *record.Record) ([]ui.Action, error) {
	k := v.Kind(entry.Kind)
	if k == nil || !v.May(access.Create, k) || v.Caller.Scope.ReadOnly {
		return nil, nil
	}
	teams, err := desk.TeamsOf(tx, v.Records, v.Caller.User)
	if err != nil {
		return nil, err
	}
	list, err := macro.Offered(tx, v.Records, r.Kind.Name, teams)
	if err != nil {
		return nil, err
	}
	var out []ui.Action
	for _, m := range list {
		a := ui.Action{Label: m.Name, Icon: "wand", Href: at(r) + "/macro", Post: true, Quiet: true, Key: m.Values.Text("shortcut"), Fields: []ui.Hidden{{Name: "macro", Value: m.ID.String()}}}
		if macro.OnlyWrites(m) {
			a.Icon, a.Post, a.Fields, a.Href = "message-2", false, nil, shell.RecordURL(r.Kind, r.ID)+"?macro="+m.ID.String()+"#say"
		} else if !v.MayTo(access.Edit, r) {
			continue
		}
		out = append(out, a)
	}
	return out, nil
}

// deed is what a macro does to a ticket when the caller applies it.
func (v *visit) deed(tx *gate.Tx, m id.ID, r *record.Record) (*record.Record, *macro.Deed, error) {
	teams, err := desk.TeamsOf(tx, v.Records, v.Caller.User)
	if err != nil {
		return nil, nil, err
	}
	return macro.Of(tx, v.Records, m, r, teams)
}

// filled is what the composer holds that a macro fills in; nil for none.
func (v *visit) filled(r *record.Record) (*typed, error) {
	m, ok := id.Parse(v.R.URL.Query().Get("macro"))
	if !ok {
		return nil, nil
	}
	var d *macro.Deed
	err := v.View(func(tx *gate.Tx) (err error) { _, d, err = v.deed(tx, m, r); return err })
	if err != nil || d.Entry == nil {
		return nil, err
	}
	return &typed{typ: d.Entry.Text("journal_type"), text: d.Entry.Text("notes_body"), then: d.Sets.Text("status"), macro: m}, nil
}

// macro applies a macro to a ticket: all of it or nothing.
func (v *visit) macro() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	which, ok := id.Parse(f.Text("macro"))
	if !ok {
		return gate.Missing()
	}
	t := &typed{macro: which}
	var m *record.Record
	err = v.Change(access.View, gate.Thing{ID: r.ID}, func(tx *gate.Tx) error {
		var d *macro.Deed
		if m, d, err = v.deed(tx, which, r); err != nil {
			return err
		}
		if d.Entry != nil {
			t.typ, t.text, t.then = d.Entry.Text("journal_type"), d.Entry.Text("notes_body"), d.Sets.Text("status")
			if _, err := v.Records.Create(tx, entry.Kind, d.Entry); err != nil {
				return err
			}
		}
		if d.List != 0 {
			if _, err := step.Bring(tx, v.Records, d.List, r); err != nil {
				return err
			}
		}
		if len(d.Sets) > 0 {
			_, err = v.Records.Update(tx, r.Kind.Name, r.ID, 0, d.Sets)
		}
		return err
	})
	if shell.Refusable(err) {
		said := fault.Say(err)
		for _, s := range said.Fields { // the composer shows no fields
			said.Text = s
		}
		t.wrong = fault.Wrap(err, fault.Of(err), "Nothing was done: %s", shell.Lower(said.Text)).WithHint("Do the rest by hand, or have the macro set what is missing.")
		return v.ticket(r, t)
	}
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(r.Kind, r.ID), "%s is done.", m.Name)
}
