// Package rotations holds the board of passwords that are to be changed, and the pages
// on which is said how old they may become and where they are changed.
//
// Always true: who may not see a password does not find it on the board; everything
// works with the keyboard alone and without script.
package rotations

import (
	"embed"
	"io/fs"
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
	"strongroom/internal/feature/rotation/change"
	"strongroom/internal/feature/rotation/limit"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Changes *change.Changes // nil hides the pages of changes
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	for _, kind := range []string{filed.Password, filed.Folder, limit.Category} {
		k := s.Records.Kinds.Kind(kind)
		if k == nil {
			return
		}
		at := "/" + k.Plural + "/{id}/rotation"
		s.Get(at, p.as(func(v *visit) error { return v.policy(k) }))
		s.Post(at, p.as(func(v *visit) error { return v.choose(k) }))
	}
	s.Get("/passwords/overdue", p.as((*visit).board))
	s.Get("/passwords/overdue/export", p.as((*visit).export))
	s.Rail(shell.RailPart{Draw: beside})
	if p.Changes != nil {
		p.mountChanges(s)
		s.Rail(shell.RailPart{Draw: p.besideChange})
	}
	own := s.Own(filed.Password)
	own.Above = append(own.Above, func(_ *shell.Visit, org id.ID) []ui.Action {
		return []ui.Action{{Label: "Overdue", Icon: "calendar-due", Href: overdueURL(org)}}
	})
}

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p}) }
}

func overdueURL(org id.ID) string {
	if org == 0 {
		return "/passwords/overdue"
	}
	return "/passwords/overdue?organization_id=" + org.String()
}

func rotationURL(k *record.Kind, rec id.ID) string { return shell.RecordURL(k, rec) + "/rotation" }

// beside is the part of the rail that says how old a password may become, and all that
// is of its category.
func beside(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	if r.Kind.Name != filed.Password && r.Kind.Name != limit.Category {
		return nil, nil
	}
	p, err := limit.Of(tx, r.Kind.Name, r.ID)
	if err != nil || p.From == 0 && !mayChoose(v, r.Kind) {
		return nil, err
	}
	return &ui.Section{Title: "Rotation", Text: words(p), More: &ui.NavItem{Label: "Details", Href: rotationURL(r.Kind, r.ID)}}, nil
}

func mayChoose(v *shell.Visit, k *record.Kind) bool {
	if k.Name == limit.Category {
		return v.May(access.Edit, k)
	}
	return demand.MayDecide(v.Caller)
}

func words(p limit.Policy) string {
	switch {
	case p.From == 0:
		return "No age limit is chosen."
	case p.Days == 0:
		return "It may become as old as it likes."
	case p.Days == 1:
		return "It is to be changed each day."
	}
	return "It is to be changed every " + web.Number(int64(p.Days)) + " days."
}

// policyView is the page of a policy.
type policyView struct {
	Head  ui.Head
	Words string
	From  *ui.Cell  // what says so, when it is not the record itself
	Items []ui.Item // what is asked for
	Form  *ui.Form
	Drop  *ui.Form
	Plan  *ui.Form // when it is changed by itself
	By    string   // how it is now
}

func (v *visit) policy(k *record.Kind) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	return v.policyPage(k, rid, nil, nil)
}

func (v *visit) policyPage(k *record.Kind, rid id.ID, form *web.Form, refused error) error {
	var d policyView
	var r *record.Record
	err := v.View(func(tx *gate.Tx) (err error) {
		if r, err = v.Records.Get(tx, k.Name, rid); err != nil {
			return err
		}
		p, err := limit.Of(tx, k.Name, rid)
		if err != nil {
			return err
		}
		d.Words = words(p)
		if p.From != 0 && !p.Own {
			if d.From, err = v.from(tx, p.From); err != nil {
				return err
			}
		}
		if mayChoose(v.Visit, k) {
			v.forms(&d, k, rid, p)
		}
		if d.Items, err = waiting(tx, rid); err != nil {
			return err
		}
		return v.plan(tx, &d, k, rid, form)
	})
	if err != nil {
		return err
	}
	status := web.Status(nil)
	if refused != nil && d.Plan != nil && form.Text("do") == "plan" {
		say := fault.Say(refused)
		d.Plan.Wrong(say.Text, say.Hint, say.Fields)
		status = web.Status(refused)
	} else if refused != nil && d.Form != nil {
		say := fault.Say(refused)
		f := d.Form
		if form.Text("do") == "remove" && d.Drop != nil {
			f, say.Fields = d.Drop, map[string]string{"why": say.Fields["reason"]}
		} else {
			f.Fields[0].Value, f.Fields[1].Value = form.Text("days"), form.Text("reason")
		}
		f.Wrong(say.Text, say.Hint, say.Fields)
		status = web.Status(refused)
	}
	d.Head = ui.Head{Title: "Rotation", Icon: "rotate", Sub: []ui.Cell{{Text: r.Name, Href: shell.RecordURL(k, rid)}}}
	p, err := v.Page("Rotation of "+r.Name, append(v.CrumbsOf(r), ui.Crumb{Label: "Rotation"})...)
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(status, "rotation", p)
}

// from names the folder or category that has the policy, to who may see it.
func (v *visit) from(tx *gate.Tx, rec id.ID) (*ui.Cell, error) {
	r, err := v.Records.Get(tx, "", rec)
	if fault.Is(err, fault.NotFound) {
		return &ui.Cell{Text: "a folder above"}, nil
	}
	if err != nil {
		return nil, err
	}
	return &ui.Cell{Text: shell.Lower(r.Kind.Label) + " " + r.Name, Href: rotationURL(r.Kind, rec)}, nil
}

func (v *visit) forms(d *policyView, k *record.Kind, rid id.ID, p limit.Policy) {
	hint := "0: as old as it likes, whatever its folder or category says. The password's own choice counts most, then the nearest folder's, then the category's."
	d.Form = &ui.Form{Action: rotationURL(k, rid), Submit: "Save", Fields: []ui.Field{
		{Name: "days", Label: "To be changed every", Type: "number", Required: true, Min: "0", Max: strconv.Itoa(limit.Longest), Unit: "days", Hint: hint},
		{Name: "reason", Label: "Reason", Type: "text", Most: 500, Wide: true, Hint: "Needed where it could become older than now: somebody else has to approve that."}}}
	if p.Own {
		d.Form.Fields[0].Value = strconv.Itoa(p.Days)
		d.Drop = &ui.Form{ID: "drop", Action: rotationURL(k, rid), Submit: "Remove this choice", Hidden: []ui.Hidden{{Name: "do", Value: "remove"}}, Fields: []ui.Field{
			{Type: "heading", Label: "No choice of its own"},
			{Name: "why", Label: "Reason", Type: "text", Most: 500, Wide: true, Hint: "Needed where it could become older than now: somebody else has to approve that."}}}
	}
}

// waiting lists what is asked for about how old something may become.
func waiting(tx *gate.Tx, rec id.ID) (out []ui.Item, err error) {
	list, err := approval.On(tx, rec)
	for _, r := range list {
		if r.What == approval.Age && r.State == approval.Open {
			out = append(out, ui.Item{Title: r.UserName, Badge: r.UserName, Person: true, Sub: asked(r.Days) + " · " + r.Reason, Href: "/approvals/" + r.ID.String(),
				Pill: &ui.Pill{Text: "Waits for an approval", Tone: "warn"}, Time: shell.When(r.At)})
		}
	}
	return out, err
}

func asked(days int) string {
	switch days {
	case limit.None:
		return "Remove this choice"
	case 0:
		return "As old as it likes"
	}
	return web.Number(int64(days)) + " days"
}

func (v *visit) choose(k *record.Kind) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	if do := form.Text("do"); do == "plan" || do == "no-plan" {
		return v.choosePlan(k, rid, form)
	}
	days, reason := limit.None, form.Text("why")
	if form.Text("do") != "remove" {
		form.Require("days")
		days, reason = int(form.Int("days")), form.Text("reason")
		if err := form.Err(); err != nil {
			return v.policyPage(k, rid, form, err)
		}
	}
	done := "Saved."
	err = v.Change(access.View, gate.Thing{Kind: k.Name, ID: rid}, func(tx *gate.Tx) error {
		looser, err := limit.Loosens(tx, k.Name, rid, days)
		switch {
		case err != nil:
			return err
		case looser && days <= limit.Longest:
			done = "Asked. Somebody else has to approve that it may become older."
			_, err = approval.AskAge(tx, k.Name, rid, reason, days)
			return err
		case days == limit.None:
			return limit.Remove(tx, k.Name, rid)
		}
		return limit.Set(tx, k.Name, rid, days)
	})
	if shell.Refusable(err) {
		return v.policyPage(k, rid, form, err)
	}
	if err != nil {
		return err
	}
	return v.Done(rotationURL(k, rid), "%s", done)
}
