package tickets

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/bulk"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/journal/entry"
	"strongroom/internal/feature/macro"
	"strongroom/internal/surface/webui/shell"
)

// atOnce is how many tickets are worked on while whoever asked waits; more are a job.
const atOnce = 50

// several is what is done to selected tickets of a list: a macro, or an owner, a team, a
// state and an entry.
func (p *Pages) several() shell.Deed {
	const name = "work"
	return shell.Deed{
		Action: ui.Action{Name: name, Label: "Work on them", Icon: "headset"},
		For: func(v *shell.Visit, k *record.Kind, archived string) bool {
			return lifeOf(k) != nil && archived != "yes" && v.May(access.Edit, k)
		},
		Do: func(v *shell.Visit, s *shell.Selected) error { return (&visit{Visit: v, p: p}).work(s, name) },
	}
}

// work asks what is done to the selected tickets, and does it to each.
func (v *visit) work(s *shell.Selected, name string) error {
	if lifeOf(s.Kind) == nil {
		return shell.NoDeed()
	}
	if len(s.IDs) > atOnce && v.p.Bulk == nil {
		return fault.New(fault.Invalid, "This is more than %d tickets at once.", atOnce).WithHint("Narrow the list down, or take them in parts.")
	}
	var wrong error
	if s.Step() != "" {
		d, err := v.chosen(s)
		switch {
		case err != nil:
		case len(s.IDs) > atOnce:
			return v.begin(s, d)
		default:
			return v.toEach(s, d)
		}
		if !shell.Refusable(err) {
			return err
		}
		wrong = err
	}
	form := ui.Form{Action: shell.ListURL(s.Kind) + "/bulk", Cancel: s.Back, Submit: "Do it to " + shell.Count(int64(len(s.IDs)), s.Kind), Note: "Each is done by itself. What is refused is named, with the reason, and stays as it is."}
	if len(s.IDs) > atOnce {
		form.Note = "It goes on when you leave the page, and can be stopped. " + form.Note
	}
	form.Hidden = []ui.Hidden{{Name: "back", Value: s.Back}, {Name: "do", Value: name + ".apply"}}
	var ids []string
	for _, i := range s.IDs {
		ids = append(ids, i.String())
	}
	form.Hidden = append(form.Hidden, ui.Hidden{Name: "ids", Value: strings.Join(ids, ".")})
	if err := v.View(func(tx *gate.Tx) error { return v.workFields(tx, s, &form) }); err != nil {
		return err
	}
	if wrong != nil {
		said := fault.Say(wrong)
		form.Wrong(said.Text, said.Hint, said.Fields)
	}
	p, err := v.Page("Work on "+shell.Lower(s.Kind.Labels), append(v.Crumbs(s.Kind, 0, ""), ui.Crumb{Label: "Work on them"})...)
	if err != nil {
		return err
	}
	head := ui.Head{Title: "Work on " + shell.Count(int64(len(s.IDs)), s.Kind), Icon: "headset"}
	if v.p.Bulk != nil {
		head.Actions = []ui.Action{{Label: "Done before", Icon: "history", Href: "/bulk"}}
	}
	p.Data = shell.FormPage{Head: head, Form: form}
	return v.RenderStatus(web.Status(wrong), "form", p)
}

// workFields fills the controls.
func (v *visit) workFields(tx *gate.Tx, s *shell.Selected, form *ui.Form) error {
	teams, err := desk.TeamsOf(tx, v.Records, v.Caller.User)
	if err != nil {
		return err
	}
	list, err := macro.Offered(tx, v.Records, s.Kind.Name, teams)
	if err != nil {
		return err
	}
	said := func(name string) string {
		if s.Step() == "" {
			return ""
		}
		return s.Form.Text(name)
	}
	macros := []ui.Option{{Label: "None"}}
	for _, m := range list {
		macros = append(macros, ui.Option{Value: m.ID.String(), Label: m.Name})
	}
	if len(list) > 0 {
		form.Fields = append(form.Fields, choice("macro", "Macro", said("macro"), macros))
	}
	for _, x := range []struct {
		name, label, ref string
		more             []ui.Option
	}{
		{"to_owner", "Owner", "user", []ui.Option{{Label: "Leave it"}, {Value: desk.Me, Label: "Me"}, {Value: desk.Nobody, Label: "Nobody"}}},
		{"to_team", "Team", "team", []ui.Option{{Label: "Leave it"}, {Value: desk.Nobody, Label: "None"}}},
	} {
		list, err := v.Choices(tx, x.ref, nil)
		if err != nil {
			return err
		}
		for _, o := range list {
			if o.Value != "" {
				x.more = append(x.more, o)
			}
		}
		form.Fields = append(form.Fields, choice(x.name, x.label, said(x.name), x.more))
	}
	form.Fields = append(form.Fields, ui.Field{Name: "add_tags", Label: "Add tags", Type: "text", Value: said("add_tags"), Hint: "Words with commas between."}, ui.Field{Name: "remove_tags", Label: "Take off tags", Type: "text", Value: said("remove_tags")})
	states := []ui.Option{{Label: "Leave it"}}
	for _, st := range lifeOf(s.Kind).States {
		states = append(states, ui.Option{Value: st.Name, Label: st.Name})
	}
	form.Fields = append(form.Fields, choice("to_state", "State", said("to_state"), states),
		choice("say_type", "Written as", said("say_type"), []ui.Option{{Value: entry.Note, Label: "Internal note"}, {Value: entry.Reply, Label: "Reply to the customer"}, {Value: entry.WorkNote, Label: "Work note"}}),
		ui.Field{Name: "say", Label: "Text", Type: "html", Rows: 4, Wide: true, Value: said("say")})
	return nil
}

// chosen reads the form.
func (v *visit) chosen(s *shell.Selected) (*bulk.Deed, error) {
	f := s.Form
	d := &bulk.Deed{Sets: map[string]string{}, Type: f.Text("say_type"), Say: f.Raw("say"), Add: f.Text("add_tags"), Off: f.Text("remove_tags")}
	d.Macro, _ = id.Parse(f.Text("macro"))
	for field, name := range map[string]string{"owner_id": "to_owner", "team_id": "to_team"} {
		switch said := f.Text(name); said {
		case "":
		case desk.Me:
			d.Sets[field] = v.Caller.User.String()
		case desk.Nobody:
			d.Sets[field] = ""
		default:
			to, ok := id.Parse(said)
			if !ok {
				return nil, fault.Field(name, "Choose one of those in the list.")
			}
			d.Sets[field] = to.String()
		}
	}
	if to := f.Text("to_state"); to != "" {
		if lifeOf(s.Kind).State(to) == nil {
			return nil, fault.Field("to_state", "Choose one of those in the list.")
		}
		d.Sets["status"] = to
	}
	if strings.TrimSpace(richtext.Text(d.Say)) == "" {
		d.Say = ""
	}
	if d.Empty() {
		return nil, fault.New(fault.Invalid, "Nothing was chosen yet.").WithHint("Choose a macro, an owner, a team, tags or a state, or write something.")
	}
	return d, nil
}

// begin has it done by a job, whose page tells how far it is.
func (v *visit) begin(s *shell.Selected, d *bulk.Deed) error {
	var work id.ID
	err := v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) (err error) {
		work, err = v.p.Bulk.Start(tx, s.Kind.Name, s.IDs, *d, s.Back)
		return err
	})
	if err != nil {
		return err
	}
	return v.Done("/bulk/"+work.String(), "")
}

// toEach does it to each ticket, each in a transaction of its own, and tells which were
// refused and why.
func (v *visit) toEach(s *shell.Selected, d *bulk.Deed) error {
	var refused []ui.Row
	for _, rid := range s.IDs {
		label, err := v.workOne(s.Kind, rid, d)
		if err == nil {
			continue
		}
		why, ok := bulk.Why(err)
		if !ok {
			return err
		}
		line := ui.Cell{Text: label, Href: "/records/" + rid.String()}
		if label == "" {
			line = ui.Cell{Text: "A ticket that is not there any more"}
		}
		refused = append(refused, ui.Row{ID: rid.String(), Name: label, Cells: []ui.Cell{line, {Text: why}}})
	}
	done := int64(len(s.IDs) - len(refused))
	if len(refused) == 0 {
		return v.Done(s.Back, "It is done to %s.", shell.Count(done, s.Kind))
	}
	t := ui.Table{ID: "list", Title: "Refused", Columns: []ui.Column{{Label: "Ticket", Phone: "title"}, {Label: "Why", Phone: "line"}}, Rows: refused}
	p, err := v.Page("Refused", append(v.Crumbs(s.Kind, 0, ""), ui.Crumb{Label: "Refused"})...)
	if err != nil {
		return err
	}
	p.Data = shell.ListPage{Head: ui.Head{Title: shell.Count(int64(len(refused)), s.Kind) + " stayed as before", Icon: "headset", Sub: []ui.Cell{{Text: "It was done to " + shell.Count(done, s.Kind) + "."}},
		Actions: []ui.Action{{Label: "Back to the list", Icon: "arrow-left", Href: s.Back}}}, Table: t}
	return v.RenderStatus(422, "list", p)
}

// workOne does it to one ticket, all of it or nothing, and says what it is called.
func (v *visit) workOne(k *record.Kind, rid id.ID, d *bulk.Deed) (label string, err error) {
	err = v.Change(access.View, gate.Thing{Kind: k.Name, ID: rid}, func(tx *gate.Tx) (err error) {
		label, _, err = d.Do(tx, v.Records, k.Name, rid)
		return err
	})
	return label, err
}
