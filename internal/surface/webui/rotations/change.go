package rotations

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/password/demand"
	"strongroom/internal/feature/password/filed"
	"strongroom/internal/feature/rotation/change"
	"strongroom/internal/feature/rotation/connector"
	"strongroom/internal/surface/webui/shell"
)

// shownChanges is how many changes the page shows.
const shownChanges = 20

func changeURL(rec id.ID) string { return "/passwords/" + rec.String() + "/change" }

// mountChanges mounts the pages of changes.
func (p *Pages) mountChanges(s *shell.Shell) {
	s.Get("/passwords/{id}/change", p.as(func(v *visit) error { return v.changes("", nil) }))
	s.Post("/passwords/{id}/change", p.as((*visit).doChange))
	s.Get("/passwords/{id}/change/place", p.as(func(v *visit) error { return v.place(nil, nil) }))
	s.Post("/passwords/{id}/change/place", p.as((*visit).putPlace))
}

// changesView is the page of a password's changes.
type changesView struct {
	Head    ui.Head
	Problem *fault.Error   // why what was asked for was not done
	Last    *change.Change // the newest one, when it ended without a change and says why
	Left    *left
	Where   []ui.Prop
	Acts    []ui.Action
	Items   []ui.Item
	Dialogs []ui.Confirm
}

// left is a change that was left to people.
type left struct {
	Text, Hint string
	Secret     string // the new password, when it was asked for
	Acts       []ui.Action
}

// changes is the page. With secret it shows a new password that was revealed.
func (v *visit) changes(secret string, refused error) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	var d changesView
	var r *record.Record
	err = v.View(func(tx *gate.Tx) (err error) {
		if r, err = v.Records.Get(tx, filed.Password, rid); err != nil {
			return err
		}
		where, err := change.PlaceOf(tx, rid)
		if err != nil {
			return err
		}
		list, err := change.Of(tx, rid, shownChanges)
		if err != nil {
			return err
		}
		if d.Where, err = v.where(tx, where); err != nil {
			return err
		}
		v.fill(&d, r, where, list, secret)
		return nil
	})
	if err != nil {
		return err
	}
	status := web.Status(nil)
	if refused != nil {
		d.Problem, status = fault.Say(refused), web.Status(refused)
	}
	d.Head = ui.Head{Title: "Change at its system", Icon: "rotate", Sub: []ui.Cell{{Text: r.Name, Href: shell.RecordURL(r.Kind, rid)}}}
	p, err := v.Page("Change of "+r.Name, append(v.CrumbsOf(r), ui.Crumb{Label: "Change"})...)
	if err != nil {
		return err
	}
	p.Data = d
	if secret != "" {
		v.W.Header().Set("Cache-Control", "no-store")
	}
	return v.RenderStatus(status, "change", p)
}

// where says where a password is changed.
func (v *visit) where(tx *gate.Tx, p *change.Place) ([]ui.Prop, error) {
	if p == nil {
		return nil, nil
	}
	title := p.System
	if c := v.Changes.Connector(p.System); c != nil {
		title = c.Title
	}
	by := ui.Cell{Text: "The account itself"}
	if p.By != 0 {
		names, err := v.Records.Names(tx, p.By)
		if err != nil {
			return nil, err
		}
		if by.Text = names[p.By]; by.Text == "" {
			by.Text = "A password that you may not see"
		} else {
			by.Href = shell.RecordURL(v.Kind(filed.Password), p.By)
		}
	}
	out := []ui.Prop{{Label: "System", Cells: []ui.Cell{{Text: title}}}, {Label: "Address", Cells: []ui.Cell{{Type: "mono", Text: p.Address}}}, {Label: "Account", Cells: []ui.Cell{{Type: "mono", Text: p.Account}}}}
	for _, x := range []struct{ label, text string }{{"Place", p.Target.Place}, {"Fingerprint", p.Pin}} {
		if x.text != "" {
			out = append(out, ui.Prop{Label: x.label, Cells: []ui.Cell{{Type: "mono", Text: x.text}}})
		}
	}
	return append(out, ui.Prop{Label: "Signed in by", Cells: []ui.Cell{by}}), nil
}

func (v *visit) fill(d *changesView, r *record.Record, where *change.Place, list []*change.Change, secret string) {
	at := changeURL(r.ID)
	may := v.MayTo(access.Edit, r) && v.MayTo(access.Reveal, r)
	open := len(list) > 0 && list[0].Open()
	if len(list) > 0 && list[0].State == change.Unchanged && list[0].Said != "" {
		d.Last = list[0] // in a list its words would be cut short
	}
	for _, c := range list {
		d.Items = append(d.Items, item(c))
		if c.State == change.Unknown && may {
			d.Left = leftToYou(at, c, secret)
		}
	}
	do := func(label, icon, what string) ui.Action {
		return ui.Action{Label: label, Icon: icon, Href: at, Post: true, Fields: []ui.Hidden{{Name: "do", Value: what}}}
	}
	switch {
	case open && d.Left == nil:
		d.Acts = append(d.Acts, ui.Action{Label: "Refresh", Icon: "refresh", Href: at})
	case where != nil && may && !open:
		now := do("Change now", "rotate", "now")
		now.Primary, now.Dialog = true, "change-now"
		d.Dialogs = append(d.Dialogs, ui.Confirm{ID: now.Dialog, Title: "Change the password of " + where.Account + "?", Text: "A new password is made, kept here, and then set at " + where.Address + ". Whoever uses the present one has to look here for the new one.",
			Action: at, Hidden: now.Fields, Submit: "Change now", Fields: []ui.Field{{Name: "reason", Label: "Reason", Type: "text", Most: 500}}})
		d.Acts = append(d.Acts, now, do("Try without changing", "shield-check", "try"))
	}
	if demand.MayDecide(v.Caller) && v.MayTo(access.Restrict, r) && !open {
		label := "Say where…"
		if where != nil {
			label = "Edit"
		}
		d.Acts = append(d.Acts, ui.Action{Label: label, Icon: "edit", Href: at + "/place", Primary: where == nil})
	}
}

// leftToYou is what people do about a change of which nobody knows how it went.
func leftToYou(at string, c *change.Change, secret string) *left {
	out := &left{Text: c.Said + " Nothing is lost: the earlier and the new password are both kept.", Hint: "Look again when the system can be reached, or sign in there yourself and say which password it takes.", Secret: secret}
	for _, x := range []struct{ label, icon, what string }{{"Look again", "refresh", "look"}, {"Show the new password", "eye", "show"}, {"The new one is right", "check", "new"}, {"The earlier one is right", "history", "old"}} {
		out.Acts = append(out.Acts, ui.Action{Label: x.label, Icon: x.icon, Href: at, Post: true, Primary: x.what == "look", Fields: []ui.Hidden{{Name: "do", Value: x.what}, {Name: "change", Value: c.ID.String()}}})
	}
	return out
}

func item(c *change.Change) ui.Item {
	it := ui.Item{Title: "Change", Sub: c.UserName, Icon: "rotate", Time: shell.When(c.At)}
	if c.Dry {
		it.Title = "Dry run"
	}
	if c.Said != "" {
		it.Sub = strings.TrimPrefix(it.Sub+" · "+c.Said+" "+c.Hint, " · ")
	}
	p := map[string]ui.Pill{change.Waiting: {Text: "Waits", Tone: "info"}, change.Changing: {Text: "Being changed", Tone: "info"}, change.Unknown: {Text: "Not known", Tone: "bad"},
		change.Done: {Text: "Changed", Tone: "ok"}, change.Fine: {Text: "Would go well", Tone: "ok"}, change.Unchanged: {Text: "Not changed", Tone: "warn"}}[c.State]
	it.Pill = &p
	return it
}

// doChange does what a button of the page says.
func (v *visit) doChange() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	cid, _ := id.Parse(form.Text("change"))
	ctx, reason := v.R.Context(), form.Text("reason")
	said := "Started."
	switch form.Text("do") {
	case "try", "now":
		_, err = v.Changes.Start(ctx, v.Caller, rid, form.Text("do") == "try", reason)
	case "look":
		err = v.Changes.Look(ctx, v.Caller, rid, cid)
	case "show":
		var text string
		if text, err = v.Changes.Show(ctx, v.Caller, rid, cid, reason); err == nil {
			return v.changes(text, nil)
		}
	case "new", "old":
		said, err = "Settled.", v.Changes.Settle(ctx, v.Caller, rid, cid, form.Text("do") == "new", reason)
	default:
		_, err = v.one(rid)
		if err == nil {
			err = fault.New(fault.Invalid, "This cannot be done.")
		}
	}
	if shell.Refusable(err) {
		return v.changes("", err)
	}
	if err != nil {
		return err
	}
	return v.Done(changeURL(rid), "%s", said)
}

// one gives a password that the caller may see.
func (v *visit) one(rid id.ID) (r *record.Record, err error) {
	err = v.View(func(tx *gate.Tx) (err error) { r, err = v.Records.Get(tx, filed.Password, rid); return err })
	return r, err
}

// placeView is the page on which is said where a password is changed.
type placeView struct {
	Head  ui.Head
	Items []ui.Item // the sorts of systems to choose from
	Form  *ui.Form
	Drop  *ui.Form
}

// place is the page. It was sent form, which was refused, or neither.
func (v *visit) place(form *web.Form, refused error) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	r, err := v.one(rid)
	if err != nil {
		return err
	}
	if !demand.MayDecide(v.Caller) {
		return fault.New(fault.Denied, "Only managers and administrators say where a password is changed.")
	}
	var now *change.Place
	var by *ui.Option
	err = v.View(func(tx *gate.Tx) (err error) {
		if now, err = change.PlaceOf(tx, rid); err != nil || now == nil || now.By == 0 {
			return err
		}
		names, err := v.Records.Names(tx, now.By)
		if name := names[now.By]; name != "" {
			by = &ui.Option{Value: now.By.String(), Label: name, Icon: "key"}
		}
		return err
	})
	if err != nil {
		return err
	}
	d := placeView{Head: ui.Head{Title: "Where it is changed", Icon: "rotate", Sub: []ui.Cell{{Text: r.Name, Href: shell.RecordURL(r.Kind, rid)}}}}
	system := v.R.URL.Query().Get("system")
	if form != nil {
		system = form.Text("system")
	} else if system == "" && now != nil {
		system = now.System
	}
	status := web.Status(nil)
	if c := v.Changes.Connector(system); c != nil {
		if now != nil && now.System != system {
			now, by = nil, nil
		}
		d.Form = v.placeForm(r, c, now, by, form)
		if refused != nil {
			say := fault.Say(refused)
			d.Form.Wrong(say.Text, say.Hint, say.Fields)
			status = web.Status(refused)
		}
		if now != nil {
			d.Drop = &ui.Form{ID: "drop", Action: changeURL(rid) + "/place", Submit: "Remove", Danger: true, Hidden: []ui.Hidden{{Name: "do", Value: "remove"}}, Fields: []ui.Field{
				{Type: "heading", Label: "Not changed from here"}, {Type: "note", Text: "The password stays as it is, here and there."}}}
		}
	} else {
		for _, c := range v.Changes.Connectors {
			d.Items = append(d.Items, ui.Item{Title: c.Title, Icon: c.Icon, Href: changeURL(rid) + "/place?system=" + c.Name})
		}
	}
	p, err := v.Page("Where "+r.Name+" is changed", append(v.CrumbsOf(r), ui.Crumb{Label: "Change", Href: changeURL(rid)}, ui.Crumb{Label: "Where"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(status, "place", p)
}

func (v *visit) placeForm(r *record.Record, c *connector.Connector, now *change.Place, by *ui.Option, sent *web.Form) *ui.Form {
	if now == nil {
		now = &change.Place{Target: connector.Target{Account: r.Values.Text("username")}}
	}
	f := &ui.Form{Action: changeURL(r.ID) + "/place", Submit: "Save", Cancel: changeURL(r.ID), Hidden: []ui.Hidden{{Name: "system", Value: c.Name}}, Fields: []ui.Field{
		{Type: "heading", Label: c.Title},
		{Name: "address", Label: "Address", Type: "text", Required: true, Value: now.Address, Most: 260, Hint: "A host, or a host and a port; " + c.Port + " is the usual one. The server's operator says which networks may be reached."},
		{Name: "account", Label: "Account", Type: "text", Required: true, Value: now.Account, Most: 300, Hint: c.Account}}}
	if c.Place != "" {
		f.Fields = append(f.Fields, ui.Field{Name: "place", Label: "Place", Type: "text", Value: now.Target.Place, Most: 300, Hint: c.Place})
	}
	if c.Pin != "" {
		f.Fields = append(f.Fields, ui.Field{Name: "pin", Label: "Fingerprint", Type: "text", Value: now.Pin, Most: 100, Wide: true, Hint: c.Pin})
	}
	login := ui.Field{Name: "by", Label: "Signed in by", Type: "ref", Source: "/refs/password", Wide: true, Hint: "Another password, of somebody who may change this one. Empty: the account changes its own."}
	if by != nil {
		login.Chosen = []ui.Option{*by}
	}
	f.Fields = append(f.Fields, login)
	if sent != nil {
		for i := range f.Fields {
			if x := &f.Fields[i]; x.Name != "" && x.Name != "by" {
				x.Value = sent.Text(x.Name)
			}
		}
	}
	return f
}

func (v *visit) putPlace() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	p := change.Place{Target: connector.Target{System: form.Text("system"), Address: form.Text("address"), Account: form.Text("account"), Place: form.Text("place"), Pin: form.Text("pin")}}
	p.By, _ = id.Parse(form.Text("by"))
	done := "Saved. Try it without changing before you rely on it."
	err = v.Change(access.View, gate.Thing{Kind: filed.Password, ID: rid}, func(tx *gate.Tx) error {
		if form.Text("do") == "remove" {
			done = "It is not changed from here any more."
			return v.Changes.Remove(tx, rid)
		}
		return v.Changes.Put(tx, rid, p)
	})
	if shell.Refusable(err) {
		return v.place(form, err)
	}
	if err != nil {
		return err
	}
	return v.Done(changeURL(rid), "%s", done)
}

// besideChange is the part of the rail that says where a password is changed.
func (p *Pages) besideChange(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if r.Kind.Name != filed.Password {
		return nil, nil
	}
	where, err := change.PlaceOf(tx, r.ID)
	if err != nil || where == nil && !(demand.MayDecide(v.Caller) && v.MayTo(access.Restrict, r)) {
		return nil, err
	}
	s := &ui.Section{Title: "Change at its system", Text: "Nobody has said where it is changed.", More: &ui.NavItem{Label: "Details", Href: changeURL(r.ID)}}
	if where == nil {
		return s, nil
	}
	s.Text = where.Account + " at " + where.Address
	list, err := change.Of(tx, r.ID, 1)
	for _, c := range list {
		s.Items = append(s.Items, item(c))
	}
	return s, err
}
