package tickets

import (
	"maps"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/lifecycle"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/surface/webui/shell"
)

// read gives the ticket of the address.
func (v *visit) read(tx *gate.Tx) (*record.Record, error) {
	rid, err := v.ID("id")
	if err != nil {
		return nil, err
	}
	return v.ticketOf(tx, rid)
}

// ticketOf reads a ticket; what is none is missing.
func (v *visit) ticketOf(tx *gate.Tx, rid id.ID) (*record.Record, error) {
	r, err := v.Records.Get(tx, "", rid)
	if err == nil && lifeOf(r.Kind) == nil {
		err = gate.Missing()
	}
	return r, err
}

// load is read in a transaction of its own.
func (v *visit) load() (r *record.Record, err error) {
	err = v.View(func(tx *gate.Tx) (err error) { r, err = v.read(tx); return err })
	return r, err
}

// say writes on a ticket, and moves it where that was asked for, both or neither.
func (v *visit) say() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	f, files, err := v.written(r)
	if err != nil {
		return err
	}
	t := &typed{typ: f.Text("journal_type"), text: f.Raw("notes_body"), then: f.Text("then"), seen: f.Text("seen")}
	var made *record.Record
	err = v.Change(access.View, gate.Thing{ID: r.ID}, func(tx *gate.Tx) (err error) {
		if made, err = v.again(tx, r, t); err != nil || made != nil {
			return err
		}
		who, err := v.between(tx, r, t.seen)
		if err != nil {
			return err
		}
		if len(who) > 0 {
			return fault.New(fault.Conflict, "%s wrote on this ticket while you were writing.", together(who)).WithHint("Read it above, then send yours: it is kept.")
		}
		made, err = v.Records.Create(tx, entry.Kind, record.Values{entry.FieldOf(r.Kind.Name): r.ID, "journal_type": t.typ, "notes_body": t.text})
		if err == nil {
			err = enclosed(tx, made, files, f.Bool("mail_files"))
		}
		if err == nil && t.then != "" && t.then != r.Values.Text("status") {
			_, err = v.Records.Update(tx, r.Kind.Name, r.ID, 0, record.Values{"status": t.then})
		}
		return err
	})
	if shell.Refusable(err) {
		t.wrong, t.files = err, files
		return v.ticket(r, t)
	}
	if err != nil {
		return err
	}
	if v.p.Live != nil {
		if err := v.p.Live.Writing(v.R.Context(), v.Caller, r.ID, false); err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	said := map[string]string{entry.Reply: "Reply added.", entry.WorkNote: "Work note added."}[t.typ]
	if said == "" {
		said = "Note added."
	}
	if t.then != "" {
		said += " The ticket is " + t.then + "."
	}
	return v.Done(shell.RecordURL(r.Kind, r.ID)+"#"+entry.Place(made.ID), "%s", said)
}

// take makes the caller the owner of a ticket.
func (v *visit) take() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	err = v.Change(access.Edit, gate.Thing{Kind: r.Kind.Name, ID: r.ID}, func(tx *gate.Tx) error {
		_, err := v.Records.Update(tx, r.Kind.Name, r.ID, 0, record.Values{"owner_id": v.Caller.User})
		return err
	})
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(r.Kind, r.ID), "The ticket lies with you.")
}

// slug is a state in an address.
func slug(state string) string { return strings.ReplaceAll(strings.ToLower(state), " ", "-") }

// stateOf finds the state that was asked for, by its name or as it is in addresses.
func stateOf(l *lifecycle.Lifecycle, asked string) *lifecycle.State {
	for i := range l.States {
		if s := &l.States[i]; s.Name == asked || slug(s.Name) == asked {
			return s
		}
	}
	return nil
}

// moving asks for what a state demands.
func (v *visit) moving() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	to := stateOf(lifeOf(r.Kind), v.R.URL.Query().Get("to"))
	if to == nil || !slices.Contains(lifeOf(r.Kind).Next(r.Values.Text("status")), to.Name) {
		return gate.Missing()
	}
	if !v.MayTo(access.Edit, r) {
		return fault.New(fault.Denied, "Your role may not change this.").WithHint("Ask an administrator for another role.")
	}
	return v.moveForm(r, to, v.lacking(to, r), record.Values{}, nil)
}

// moveForm shows the form of a move, with what was typed and what was wrong with it.
func (v *visit) moveForm(r *record.Record, to *lifecycle.State, ask []string, values record.Values, wrong error) error {
	form := ui.Form{Action: at(r) + "/move", Submit: to.Name, Cancel: shell.RecordURL(r.Kind, r.ID), Hidden: []ui.Hidden{{Name: "to", Value: to.Name}}}
	err := v.View(func(tx *gate.Tx) error {
		for i := range r.Kind.Fields {
			f := &r.Kind.Fields[i]
			if !slices.Contains(ask, f.Name) {
				continue
			}
			val, sent := values[f.Name]
			if !sent {
				val = r.Values[f.Name]
			}
			x, err := v.input(tx, f, shell.Plain(val))
			if err != nil {
				return err
			}
			x.Required, x.Focus = slices.Contains(to.Requires, f.Name), len(form.Fields) == 0
			form.Fields = append(form.Fields, x)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(form.Fields) == 0 {
		form.Fields = []ui.Field{{Type: "note", Text: "Nothing else is needed."}}
	}
	if wrong != nil {
		said := fault.Say(wrong)
		form.Wrong(said.Text, said.Hint, said.Fields)
	}
	d := shell.FormPage{Head: ui.Head{Title: r.Name + ": " + to.Name, Icon: r.Kind.Icon, Sub: []ui.Cell{{Text: "What is needed while it is " + to.Name}}}, Form: form}
	p, err := v.Page(d.Head.Title, append(v.CrumbsOf(r), ui.Crumb{Label: to.Name})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(web.Status(wrong), "form", p)
}

// input is the control for a field that a state demands.
func (v *visit) input(tx *gate.Tx, f *record.Field, val string) (ui.Field, error) {
	x := ui.Field{Name: f.Name, Label: f.Title(), Hint: f.Hint, Value: val, Type: "text"}
	switch f.Type {
	case record.HTML:
		x.Type, x.Rows = "html", 6
	case record.Multiline:
		x.Type, x.Wide = "textarea", true
	case record.Number, record.Integer:
		x.Type, x.Step = "number", "any"
	case record.Date:
		x.Type = "date"
	case record.Time:
		x.Type, x.Unit = "datetime-local", "UTC"
	case record.Choice:
		x.Type = "select"
		for _, c := range f.Choices {
			x.Options = append(x.Options, ui.Option{Value: c, Label: c, Selected: c == val})
		}
	case record.Ref:
		x.Type = "select"
		list, err := v.Choices(tx, f.Ref, nil)
		if err != nil {
			return x, err
		}
		for _, o := range list {
			o.Selected = o.Value == val
			x.Options = append(x.Options, o)
		}
	}
	return x, nil
}

// move moves a ticket, or asks for what the state still demands.
func (v *visit) move() error {
	r, err := v.load()
	if err != nil {
		return err
	}
	f, err := v.Form()
	if err != nil {
		return err
	}
	l := lifeOf(r.Kind)
	to := stateOf(l, f.Text("to"))
	if to == nil {
		return fault.Field("to", "%q is no state of a %s.", f.Text("to"), shell.Lower(r.Kind.Label)).WithHint("There are %s.", strings.Join(l.Names(), ", "))
	}
	values := record.Values{}
	for i := range r.Kind.Fields { // what the state demands, and what else its rules asked for
		if x := &r.Kind.Fields[i]; x.Name != l.Field && !x.ReadOnly && f.Has(x.Name) {
			values[x.Name] = f.Text(x.Name)
		}
	}
	sent := maps.Clone(values)
	sent[l.Field] = to.Name
	var now *record.Record
	err = v.Change(access.Edit, gate.Thing{Kind: r.Kind.Name, ID: r.ID}, func(tx *gate.Tx) (err error) {
		now, err = v.Records.Update(tx, r.Kind.Name, r.ID, 0, sent)
		return err
	})
	if shell.Refusable(err) {
		return v.refused(r, to, values, err)
	}
	if err != nil {
		return err
	}
	return v.Done(shell.RecordURL(r.Kind, r.ID), "%s is %s.", now.Name, now.Values.Text(l.Field))
}

// refused shows what is missing as fields to fill in, where they can be.
func (v *visit) refused(r *record.Record, to *lifecycle.State, values record.Values, err error) error {
	ask := slices.Collect(maps.Keys(values))
	for name := range fault.Say(err).Fields {
		if name != "status" && r.Kind.Field(name) != nil {
			ask = append(ask, name)
		}
	}
	return v.moveForm(r, to, ask, values, err)
}
