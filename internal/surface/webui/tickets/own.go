package tickets

import (
	"cmp"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/desk"
	"strongroom/internal/feature/view"
	"strongroom/internal/surface/webui/shell"
)

// everybody is whose a queue is that everybody has.
const everybody = "all"

// ownIcon tells whose a queue is.
func ownIcon(o desk.Own) string {
	switch {
	case o.Shared:
		return "world"
	case o.Team != 0:
		return "users"
	}
	return "bookmark"
}

// newQueue is the form of a queue of one's own; from names one that is changed.
func (v *visit) newQueue() error {
	a, name, whose := desk.Asked{Owner: desk.Nobody}, "", ""
	if from := v.R.URL.Query().Get("from"); from != "" {
		err := v.View(func(tx *gate.Tx) error {
			teams, err := desk.TeamsOf(tx, v.Records, v.Caller.User)
			if err != nil {
				return err
			}
			list, err := desk.OwnOf(tx, teams)
			i := slices.IndexFunc(list, func(o desk.Own) bool { return o.ID.String() == from })
			if err == nil && i < 0 {
				err = gate.Missing()
			}
			if err != nil {
				return err
			}
			if a, name = list[i].Asked, list[i].Name; list[i].Shared {
				whose = everybody
			} else if list[i].Team != 0 {
				whose = list[i].Team.String()
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return v.queueForm(a, name, whose, nil)
}

// queueForm shows the form with what was typed, and what was wrong with it.
func (v *visit) queueForm(a desk.Asked, name, whose string, wrong error) error {
	form := ui.Form{Action: "/desk/queues", Submit: "Save the queue", Cancel: "/desk"}
	err := v.View(func(tx *gate.Tx) error {
		teams, err := desk.TeamsOf(tx, v.Records, v.Caller.User)
		if err != nil {
			return err
		}
		names, err := v.Records.Names(tx, teams...)
		if err != nil {
			return err
		}
		owners := []ui.Option{{Label: "Me"}}
		for _, t := range teams {
			owners = append(owners, ui.Option{Value: t.String(), Label: "The team " + names[t]})
		}
		if v.Caller.May(access.Configure) {
			owners = append(owners, ui.Option{Value: everybody, Label: "Everybody"})
		}
		form.Fields = []ui.Field{{Name: "name", Label: "Name", Type: "text", Value: name, Required: true, Focus: true}, choice("whose", "For", whose, owners)}
		return v.conditions(tx, a, &form)
	})
	if err != nil {
		return err
	}
	if wrong != nil {
		said := fault.Say(wrong)
		form.Wrong(said.Text, said.Hint, said.Fields)
	}
	d := shell.FormPage{Head: ui.Head{Title: "A queue of open tickets", Icon: "inbox", Sub: []ui.Cell{{Text: "It shows what meets all that is said here. Saving under the same name replaces it."}}}, Form: form}
	p, err := v.Page("New queue", ui.Crumb{Label: "Desk", Href: "/desk"}, ui.Crumb{Label: "Queue"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(web.Status(wrong), "form", p)
}

// choice is a select with one of its options selected.
func choice(name, label, now string, options []ui.Option) ui.Field {
	for i := range options {
		options[i].Selected = options[i].Value == now
	}
	return ui.Field{Name: name, Label: label, Type: "select", Options: options}
}

// conditions fills the controls for what a queue can ask for.
func (v *visit) conditions(tx *gate.Tx, a desk.Asked, form *ui.Form) error {
	kinds, states := []ui.Option{{Label: "Tickets of any kind"}}, []ui.Option{{Label: "Any state"}}
	for _, name := range []string{incidents, "service_request", "problem", "change", "task"} {
		k := v.Kind(name)
		if k == nil {
			continue
		}
		kinds = append(kinds, ui.Option{Value: name, Label: k.Labels})
		for _, s := range lifeOf(k).States {
			if !slices.ContainsFunc(states, func(o ui.Option) bool { return o.Value == s.Name }) {
				states = append(states, ui.Option{Value: s.Name, Label: s.Name})
			}
		}
	}
	priorities := []ui.Option{{Label: "Any priority"}}
	for _, p := range desk.Priorities() {
		priorities = append(priorities, ui.Option{Value: p, Label: priority(p).Text + map[bool]string{true: "", false: " or more pressing"}[p == "1"]})
	}
	form.Fields = append(form.Fields, choice("kind", "Kind", a.Kind, kinds), choice("status", "State", a.Status, states), choice("priority", "Priority", a.Priority, priorities))
	for _, x := range []struct {
		name, label, ref, now string
		more                  []ui.Option
	}{
		{"owner", "Owner", "user", a.Owner, []ui.Option{{Label: "Anybody or nobody"}, {Value: desk.Me, Label: "Whoever looks"}, {Value: desk.Nobody, Label: "Nobody"}}},
		{"team", "Team", "team", a.Team, []ui.Option{{Label: "Any team or none"}, {Value: desk.Mine, Label: "The teams of whoever looks"}, {Value: desk.Nobody, Label: "No team"}}},
		{"org", "Organization", "organization", a.Org, []ui.Option{{Label: "Any organization"}}},
	} {
		list, err := v.Choices(tx, x.ref, nil)
		if err != nil {
			return err
		}
		form.Fields = append(form.Fields, choice(x.name, x.label, x.now, append(x.more, slices.DeleteFunc(list, func(o ui.Option) bool { return o.Value == "" })...)))
	}
	form.Fields = append(form.Fields,
		ui.Field{Name: "q", Label: "Words in the subject", Type: "text", Value: a.Text}, ui.Field{Name: "tag", Label: "Tag", Type: "text", Value: a.Tag},
		choice("due", "Due", a.Due, []ui.Option{{Label: "At any time"}, {Value: desk.Late, Label: "It is late"}, {Value: desk.Today, Label: "By the end of today"}}),
		choice("sort", "Order", cmp.Or(a.Sort, desk.Orders()[0]), []ui.Option{{Value: "due", Label: "What is due next first"}, {Value: "priority", Label: "The most pressing first"}, {Value: "oldest", Label: "The oldest first"}, {Value: "changed", Label: "What changed last first"}}))
	show := ui.Field{Name: "cols", Label: "What its lines show", Type: "select", Multiple: true, Wide: true}
	for _, c := range desk.Columns() {
		label := map[string]string{"organization": "Organization", "customer": "Customer", "owner": "Owner", "team": "Team", "changed": "When it changed"}[c]
		show.Options = append(show.Options, ui.Option{Value: c, Label: label, Selected: slices.Contains(a.Columns, c)})
	}
	form.Fields = append(form.Fields, show)
	return nil
}

// setQueue saves a queue, or removes the one that the form names.
func (v *visit) setQueue() error {
	f, err := v.Form()
	if err != nil {
		return err
	}
	mine := func(tx *gate.Tx) ([]id.ID, error) { return desk.TeamsOf(tx, v.Records, v.Caller.User) }
	if old, ok := id.Parse(f.Text("remove")); ok {
		err := v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error {
			teams, err := mine(tx)
			if err != nil {
				return err
			}
			return view.RemoveOf(tx, old, teams)
		})
		if err != nil {
			return err
		}
		return v.Done("/desk", "The queue is removed.")
	}
	a := desk.Asked{Kind: f.Text("kind"), Status: f.Text("status"), Priority: f.Text("priority"), Owner: f.Text("owner"), Team: f.Text("team"), Org: f.Text("org"), Text: f.Text("q"), Tag: f.Text("tag"), Due: f.Text("due"), Sort: f.Text("sort")}
	a.Columns = slices.DeleteFunc(f.All("cols"), func(c string) bool { return c == "" })
	name, whose := f.Text("name"), f.Text("whose")
	_, err = desk.Read(a.Encode())
	if err == nil && a.Status != "" && !v.isState(a.Kind, a.Status) {
		err = fault.Field("status", "Tickets of this kind are never %s.", a.Status)
	}
	if err == nil {
		x := view.View{Kind: desk.Queues, Name: name, Query: a.Encode(), Shared: whose == everybody}
		x.Team, _ = id.Parse(whose)
		err = v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error {
			teams, err := mine(tx)
			if err != nil {
				return err
			}
			if err := view.SaveOf(tx, x, teams); err != nil {
				return err
			}
			list, err := desk.OwnOf(tx, teams)
			for _, o := range list {
				if record.Fold(o.Name) == record.Fold(name) && o.Shared == x.Shared && o.Team == x.Team {
					x.ID = o.ID
				}
			}
			return err
		})
		if err == nil {
			return v.Done("/desk?queue="+x.ID.String(), "The queue %s is saved.", name)
		}
	}
	if shell.Refusable(err) {
		return v.queueForm(a, name, whose, err)
	}
	return err
}

// isState tells whether tickets of a kind, or of any, may be in a state.
func (v *visit) isState(kind, state string) bool {
	for _, k := range v.Records.Kinds.Kinds() {
		if l := lifeOf(k); l != nil && (kind == "" || kind == k.Name) && l.State(state) != nil {
			return true
		}
	}
	return false
}
