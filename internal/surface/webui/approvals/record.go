package approvals

import (
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/approval"
	"strongroom/internal/feature/checkout"
	"strongroom/internal/feature/checkout/held"
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
	if r.Kind.Name != filed.Password || !v.Caller.May(access.Reveal) {
		return nil, nil
	}
	d, err := demand.Of(tx, r.Kind.Name, r.ID)
	if err != nil || d.Needed == 0 && !d.Exclusive && !demand.MayDecide(v.Caller) {
		return nil, err
	}
	s := &ui.Section{Title: "To see it", Text: takes(d), More: &ui.NavItem{Label: "Change", Href: approvalURL(r.Kind, r.ID)}}
	if d.Needed == 0 {
		return s, nil
	}
	if !demand.MayDecide(v.Caller) {
		s.More.Label = "Ask"
	}
	list, err := approval.On(tx, r.ID)
	for _, it := range items(list, true) {
		it.Title, it.Time = it.Badge, shell.When(0)
		s.Items = append(s.Items, it)
	}
	return s, err
}

// takes says in words what seeing something takes.
func takes(d demand.Demand) string {
	out := ""
	switch d.Needed {
	case 0:
	case 1:
		out = "It takes one approval. "
	default:
		out = "It takes " + strconv.Itoa(d.Needed) + " approvals. "
	}
	if d.Exclusive {
		out += "It has to be checked out."
	}
	if out == "" {
		return "It takes no approval and no check-out."
	}
	return strings.TrimSpace(out)
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

	Held  *ui.Item // who has it checked out
	Take  *ui.Form
	Share *ui.Form // or the contrary
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
		d.Words = takes(now)
		if k.Name == filed.Folder {
			d.Words = "To see what lies in it and below: " + shell.Lower(d.Words)
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
		if err != nil {
			return err
		}
		v.forms(&d, r, now, s, list)
		return v.checkouts(tx, &d, r, now, list)
	})
	if err != nil {
		return err
	}
	if refused != nil {
		for _, f := range []*ui.Form{d.Ask, d.Demand, d.Lift, d.Take, d.Share} {
			if f != nil && f.Hidden[0].Value == form.Text("do") {
				f.Fields[len(f.Fields)-1].Value = form.Text(f.Fields[len(f.Fields)-1].Name)
				say := fault.Say(refused)
				if s := say.Fields["reason"]; f != d.Ask && s != "" {
					say.Fields = map[string]string{f.Fields[len(f.Fields)-1].Name: s}
				}
				f.Wrong(say.Text, say.Hint, say.Fields)
			}
		}
	}
	d.Head = ui.Head{Title: "What seeing it takes", Icon: "shield-check", Sub: []ui.Cell{{Text: r.Name, Href: v.home(r)}}}
	p, err := v.Page("What seeing "+r.Name+" takes", append(v.CrumbsOf(r), ui.Crumb{Label: "What seeing it takes"})...)
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
	if !demand.MayDecide(v.Caller) {
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

// checkouts says who has a password, and what the caller can do about it.
func (v *visit) checkouts(tx *gate.Tx, d *recordView, r *record.Record, now demand.Demand, list []*approval.Request) error {
	at := approvalURL(r.Kind, r.ID)
	do := func(what string) []ui.Hidden { return []ui.Hidden{{Name: "do", Value: what}} }
	may, _ := access.Decide(v.Caller, access.Reveal, access.Target{Kind: r.Kind.Name, Visible: true})
	if now.Exclusive && r.Kind.Name == filed.Password {
		h, err := held.Holding(tx, r.ID)
		if err != nil {
			return err
		}
		switch {
		case h != nil:
			it := heldItem(h)
			it.Title, it.Sub, it.Href = h.UserName, h.Reason, ""
			if h.User == v.Caller.User || demand.MayDecide(v.Caller) {
				it.Action = &ui.Action{Label: "Check in", Icon: "lock", Href: at, Post: true, Fields: do("return")}
			}
			d.Held = &it
		case may == access.Allowed:
			d.Take = &ui.Form{ID: "take", Action: at, Submit: "Check out", Hidden: do("take"), Fields: []ui.Field{
				{Type: "heading", Label: "Check it out"},
				{Name: "span", Label: "For", Type: "select", Required: true, Options: spans(60), Hint: "Nobody else can see it meanwhile; afterwards it is to be changed."},
				{Name: "use", Label: "Reason", Type: "text", Required: true, Most: 500, Wide: true, Hint: "Others who may see the password read it; it is recorded."}}}
		}
	}
	if !demand.MayDecide(v.Caller) {
		return nil
	}
	switch {
	case now.OwnExclusive && !slices.ContainsFunc(list, func(x *approval.Request) bool { return x.What == approval.Share && x.User == v.Caller.User }):
		d.Share = &ui.Form{ID: "share", Action: at, Submit: "Ask for no check-out", Hidden: do("shared"), Fields: []ui.Field{{Type: "heading", Label: "Check-out"},
			{Type: "note", Text: "Several people can see it at the same time then, and nobody has to change it afterwards."},
			{Name: "cause", Label: "Reason", Type: "text", Required: true, Most: 500, Wide: true, Hint: "Somebody else has to approve this."}}}
	case !now.Exclusive:
		d.Share = &ui.Form{ID: "share", Action: at, Submit: "Demand a check-out", Hidden: do("exclusive"), Fields: []ui.Field{{Type: "heading", Label: "Check-out"},
			{Type: "note", Text: "One person at a time has it, for a time; the others are told who and until when. Afterwards it is to be changed."}}}
	}
	return nil
}

// heldItem is a check-out in a list.
func heldItem(h *held.Out) ui.Item {
	return ui.Item{Title: h.Name, Sub: h.UserName + " · " + h.Reason, Href: "/passwords/" + h.Record.String() + "/approval", Badge: h.UserName, Person: true, Time: shell.When(h.At),
		Pill: &ui.Pill{Text: "Until " + shell.When(h.Ends).Format("15:04") + " UTC", Tone: "info"}}
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
		case "take":
			done = "It is yours for now. Check it in when you are done, and change it."
			_, err = checkout.Take(tx, rid, form.Text("use"), int(form.Int("span")))
		case "return":
			done = "Checked in. It is to be changed now: it stands among the overdue passwords until it is."
			err = checkout.Return(tx, rid)
		case "exclusive":
			done = "Saved."
			err = checkout.Set(tx, k.Name, rid)
		case "shared":
			done = "Asked. You are told when it is decided."
			_, err = approval.Ask(tx, approval.Share, k.Name, rid, form.Text("cause"), int(approval.Usual.Minutes()))
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
