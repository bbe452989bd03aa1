package approvals

import (
	"strconv"
	"time"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/approval"
	"strongroom/internal/feature/password/demand"
	"strongroom/internal/surface/webui/shell"
)

// oneView is the page of one request.
type oneView struct {
	Head  ui.Head
	Props []ui.Prop
	Votes []ui.Item
	Form  *ui.Form
	End   *ui.Action
	Own   bool // the caller may approve only as an emergency
}

func (v *visit) one() error { return v.onePage(nil, nil) }

func (v *visit) onePage(form *web.Form, refused error) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	var d oneView
	err = v.View(func(tx *gate.Tx) error {
		r, votes, err := approval.Get(tx, rid)
		if err != nil {
			return err
		}
		k := v.Kind(r.Kind)
		p := pill(r)
		d.Head = ui.Head{Title: "Approval " + rid.String(), Icon: "shield-check", Sub: []ui.Cell{{Text: r.Name, Href: shell.RecordURL(k, r.Record)}, {Type: "pill", Text: p.Text, Tone: p.Tone}}}
		d.Props = []ui.Prop{{Label: "Who asks", Cells: []ui.Cell{{Type: "user", Text: r.UserName}}}, {Label: "What for", Cells: []ui.Cell{{Text: what(r)}}}, {Label: "Reason", Cells: []ui.Cell{{Text: r.Reason}}},
			{Label: "Asked", Cells: []ui.Cell{{Type: "datetime", Time: shell.When(r.At)}}}, {Label: "Approvals", Cells: []ui.Cell{{Text: strconv.Itoa(r.Given) + " of " + strconv.Itoa(r.Needed)}}}}
		said := false
		for _, x := range votes {
			d.Votes = append(d.Votes, vote(x))
			said = said || x.User == v.Caller.User
		}
		if r.State == approval.Open || r.State == approval.Granted {
			d.End = &ui.Action{Label: "End it", Icon: "x", Href: "/approvals/" + rid.String() + "/end", Post: true}
		}
		if r.State == approval.Open && !said && demand.MayDecide(v.Caller) {
			s, err := approval.Setting(tx)
			if err != nil {
				return err
			}
			d.Own = r.User == v.Caller.User
			if !d.Own || s.Own && v.Caller.Role == access.Administrator {
				d.Form = decision(r, form, refused)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: "Approvals", Href: "/approvals"}, ui.Crumb{Label: d.Head.Title})
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(status(refused), "approval", p)
}

func vote(x approval.Vote) ui.Item {
	it := ui.Item{Title: x.Name, Badge: x.Name, Person: true, Sub: x.Words, Time: shell.When(x.At), Pill: &ui.Pill{Text: "Approved", Tone: "ok"}}
	switch {
	case !x.Yes:
		it.Pill = &ui.Pill{Text: "Refused", Tone: "bad"}
	case x.Own:
		it.Pill = &ui.Pill{Text: "Approved alone", Tone: "warn"}
	}
	return it
}

// decision is the form of a yes or a no.
func decision(r *approval.Request, form *web.Form, refused error) *ui.Form {
	minutes, words, no := r.Minutes, "", false
	if form != nil {
		minutes, words, no = int(form.Int("minutes")), form.Text("words"), form.Text("yes") == "0"
	}
	f := &ui.Form{Action: "/approvals/" + r.ID.String() + "/decide", Submit: "Decide", Fields: []ui.Field{
		{Name: "yes", Label: "Decision", Type: "select", Required: true, Options: []ui.Option{{Value: "1", Label: "Approve", Selected: !no}, {Value: "0", Label: "Refuse", Selected: no}}},
		{Name: "minutes", Label: "For", Type: "select", Required: true, Options: spans(minutes), Hint: "From the moment of the last approval."},
		{Name: "words", Label: "In a sentence", Type: "text", Value: words, Most: 500, Wide: true, Hint: "Needed for a refusal. Who asked reads it."},
	}}
	if r.What != approval.See {
		f.Hidden = []ui.Hidden{{Name: "minutes", Value: "60"}}
		f.Fields = []ui.Field{f.Fields[0], f.Fields[2]}
	}
	wrong(f, refused)
	return f
}

func (v *visit) decide() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	yes := form.Text("yes") == "1"
	var r *approval.Request
	err = v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) (err error) {
		r, err = approval.Decide(tx, rid, yes, form.Text("words"), int(form.Int("minutes")))
		return err
	})
	if shell.Refusable(err) {
		return v.onePage(form, err)
	}
	if err != nil {
		return err
	}
	switch {
	case !yes:
		return v.Done("/approvals", "Refused. %s is told.", r.UserName)
	case r.State == approval.Open:
		return v.Done("/approvals", "Approved. It takes %d of %d approvals still.", r.Needed-r.Given, r.Needed)
	case r.What == approval.Lift:
		return v.Done("/approvals", "Approved: %s demands no approval of its own any more.", r.Name)
	case r.What == approval.Share:
		return v.Done("/approvals", "Approved: %s does not have to be checked out any more.", r.Name)
	case r.What == approval.Age:
		return v.Done("/approvals", "Approved: how old %s may become is changed.", r.Name)
	}
	return v.Done("/approvals", "Approved until %s UTC. %s is told.", time.UnixMilli(r.Ends).UTC().Format("15:04"), r.UserName)
}

func (v *visit) end() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	if err := v.Change(access.View, gate.Thing{}, func(tx *gate.Tx) error { return approval.End(tx, rid) }); err != nil {
		return err
	}
	return v.Done("/approvals", "It is over.")
}
