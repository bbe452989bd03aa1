package approvals

import (
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/approval"
	"strongroom/internal/feature/password/demand"
	"strongroom/internal/feature/password/filed"
	"strongroom/internal/surface/webui/shell"
)

func approvalURL(k *record.Kind, rec id.ID) string { return shell.RecordURL(k, rec) + "/approval" }

// home is where a password or a folder is looked at.
func (v *visit) home(r *record.Record) string {
	if r.Kind.Name == filed.Folder {
		return shell.FoldersURL(r.Org, v.Kind(filed.Password), r.ID)
	}
	return shell.RecordURL(r.Kind, r.ID)
}

// beside is the part of a password's rail that says what seeing it takes.
func beside(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if r.Kind.Name != filed.Password || !v.Caller.Role.May(access.Reveal) {
		return nil, nil
	}
	d, err := demand.Of(tx, r.Kind.Name, r.ID)
	if err != nil || d.Needed == 0 && !approval.MayDecide(v.Caller) {
		return nil, err
	}
	s := &ui.Section{Title: "Approval", Text: takes(d.Needed), More: &ui.NavItem{Label: "Change", Href: approvalURL(r.Kind, r.ID)}}
	if d.Needed == 0 {
		return s, nil
	}
	if !approval.MayDecide(v.Caller) {
		s.More.Label = "Ask"
	}
	list, err := approval.On(tx, r.ID)
	s.Items = items(list, true)
	return s, err
}

func takes(needed int) string {
	switch needed {
	case 0:
		return "Seeing it takes no approval."
	case 1:
		return "Seeing it takes one approval."
	}
	return "Seeing it takes " + strconv.Itoa(needed) + " approvals."
}

// recordView is the page of the approvals of a password or folder.
type recordView struct {
	Head   ui.Head
	Words  string
	From   *ui.Cell // the folder that demands them
	Items  []ui.Item
	Ask    *ui.Form
	Demand *ui.Form
	Lift   *ui.Form
}

func (v *visit) ofRecord(k *record.Kind) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	return v.recordPage(k, rid, nil, nil)
}

func (v *visit) recordPage(k *record.Kind, rid id.ID, form *web.Form, refused error) error {
	var d recordView
	var r *record.Record
	err := v.View(func(tx *gate.Tx) (err error) {
		if r, err = v.Records.Get(tx, k.Name, rid); err != nil {
			return err
		}
		now, err := demand.Of(tx, k.Name, rid)
		if err != nil {
			return err
		}
		d.Words = takes(now.Needed)
		if k.Name == filed.Folder {
			d.Words = "Of what lies in it and below: " + shell.Lower(d.Words)
		}
		if d.From, err = v.from(tx, now, rid); err != nil {
			return err
		}
		list, err := approval.On(tx, rid)
		if err != nil {
			return err
		}
		d.Items = items(list, true)
		s, err := approval.Setting(tx)
		v.forms(&d, r, now, s, list)
		return err
	})
	if err != nil {
		return err
	}
	if refused != nil {
		for _, f := range []*ui.Form{d.Ask, d.Demand, d.Lift} {
			if f != nil && f.Hidden[0].Value == form.Text("do") {
				f.Fields[len(f.Fields)-1].Value = form.Text(f.Fields[len(f.Fields)-1].Name)
				say := fault.Say(refused)
				if s := say.Fields["reason"]; f == d.Lift && s != "" {
					say.Fields = map[string]string{"why": s}
				}
				f.Wrong(say.Text, say.Hint, say.Fields)
			}
		}
	}
	d.Head = ui.Head{Title: "Approval", Icon: "shield-check", Sub: []ui.Cell{{Text: r.Name, Href: v.home(r)}}}
	p, err := v.Page("Approval of "+r.Name, append(v.CrumbsOf(r), ui.Crumb{Label: "Approval"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(status(refused), "approval-of", p)
}

// from names the folder that demands approval, to who may see it.
func (v *visit) from(tx *gate.Tx, d demand.Demand, rid id.ID) (*ui.Cell, error) {
	if d.From == 0 || d.From == rid {
		return nil, nil
	}
	f, err := v.Records.Get(tx, filed.Folder, d.From)
	if fault.Is(err, fault.NotFound) {
		return &ui.Cell{Text: "a folder above"}, nil
	}
	if err != nil {
		return nil, err
	}
	return &ui.Cell{Text: "the folder " + f.Name, Href: v.home(f)}, nil
}

// forms are what the caller can do about it. The last field of each is the one that
// people write in.
func (v *visit) forms(d *recordView, r *record.Record, now demand.Demand, s approval.Settings, list []*approval.Request) {
	at := approvalURL(r.Kind, r.ID)
	mine := map[string]bool{}
	for _, x := range list {
		mine[x.What] = mine[x.What] || x.User == v.Caller.User
	}
	may, _ := access.Decide(v.Caller, access.Reveal, access.Target{Kind: r.Kind.Name, Visible: true})
	if r.Kind.Name == filed.Password && now.Needed > 0 && !mine[approval.See] && may == access.Allowed {
		d.Ask = &ui.Form{ID: "ask", Action: at, Submit: "Ask", Hidden: []ui.Hidden{{Name: "do", Value: "ask"}}, Fields: []ui.Field{
			{Type: "heading", Label: "Ask to see it"},
			{Name: "minutes", Label: "For", Type: "select", Required: true, Options: spans(int(approval.Usual.Minutes()))},
			{Name: "reason", Label: "Reason", Type: "text", Required: true, Most: 500, Wide: true, Hint: "Who decides reads it; it is recorded."}}}
	}
	if !approval.MayDecide(v.Caller) {
		return
	}
	if now.Own < approval.Voices {
		d.Demand = &ui.Form{ID: "demand", Action: at, Submit: "Demand", Hidden: []ui.Hidden{{Name: "do", Value: "demand"}}, Fields: []ui.Field{
			{Type: "heading", Label: "Demand approvals"},
			{Name: "needed", Label: "How many", Type: "number", Required: true, Min: strconv.Itoa(now.Own + 1), Max: strconv.Itoa(approval.Voices), Value: strconv.Itoa(max(s.Needed, now.Own+1)),
				Hint: "Managers and administrators who may see it can approve, not who asks. Administrators are bound too. Fewer again takes an approval itself."}}}
	}
	if now.Own > 0 && !mine[approval.Lift] {
		d.Lift = &ui.Form{ID: "lift", Action: at, Submit: "Ask for it to be lifted", Hidden: []ui.Hidden{{Name: "do", Value: "lift"}}, Fields: []ui.Field{
			{Type: "heading", Label: "Lift the demand"},
			{Name: "why", Label: "Reason", Type: "text", Required: true, Most: 500, Wide: true, Hint: "Somebody else has to approve this too."}}}
	}
}

// sent takes what one of the forms sends.
func (v *visit) sent(k *record.Kind) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	done := ""
	err = v.Change(access.View, gate.Thing{Kind: k.Name, ID: rid}, func(tx *gate.Tx) (err error) {
		switch form.Text("do") {
		case "ask":
			done = "Asked. You are told when it is decided."
			_, err = approval.Ask(tx, approval.See, k.Name, rid, form.Text("reason"), int(form.Int("minutes")))
		case "lift":
			done = "Asked. You are told when it is decided."
			_, err = approval.Ask(tx, approval.Lift, k.Name, rid, form.Text("why"), int(approval.Usual.Minutes()))
		case "demand":
			done = "From now on seeing it takes approval."
			err = approval.Set(tx, k.Name, rid, int(form.Int("needed")))
		default:
			err = fault.New(fault.Invalid, "Choose what to do.")
		}
		return err
	})
	if shell.Refusable(err) {
		return v.recordPage(k, rid, form, err)
	}
	if err != nil {
		return err
	}
	return v.Done(approvalURL(k, rid), "%s", done)
}
