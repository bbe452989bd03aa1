package records

import (
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

// movable tells whether many records of a kind can be moved to another organization.
func (v *visit) movable(k *record.Kind) bool {
	return v.May(access.Edit, k) && shell.Movable(k) && !k.Admin
}

// bulkMove asks to which organization the selected records go, and moves each.
func (v *visit) bulkMove(x *shell.Selected) error {
	k, f, ids := x.Kind, x.Form, x.IDs
	var refused error
	if x.Step() == applied || x.Step() == looked {
		if to, ok := id.Parse(f.Text("to")); ok {
			move := func(tx *gate.Tx, i id.ID) error { _, err := v.moveOne(tx, k, i, to, 0, f.Bool("drop")); return err }
			if x.Step() == looked {
				return v.foreseeMove(x, to, move)
			}
			done, first, err := v.toEach(ids, move)
			if err != nil {
				return err
			}
			return v.bulkDone(x, deed{words: "moved"}, done, first)
		}
		refused = fault.Field("to", "Choose the organization that they go to.")
	}
	form := ui.Form{Action: shell.ListURL(k) + "/bulk", Cancel: x.Back, Submit: "Look what would happen",
		Hidden: []ui.Hidden{{Name: "ids", Value: join(ids)}, {Name: "back", Value: x.Back}, {Name: "do", Value: "move." + looked}},
		Note:   "Files, history and what lives within them go along.",
		Fields: []ui.Field{
			{Name: "to", Label: "To which organization", Type: "ref", Source: "/refs/organization", Required: true, Wide: true, Focus: true,
				Hint: "Who may see that organization sees them from then on; who may see this one alone no longer does."},
			{Name: "drop", Label: "Also those to which records of their organization refer", Type: "checkbox", Wide: true,
				Hint: "Such references are taken out. Without this, they stay where they are."},
			{Type: "note", Text: v.staysBehind(k)},
		}}
	if refused != nil {
		say := fault.Say(refused)
		form.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page("Move "+k.Labels, append(v.Crumbs(k, 0, ""), ui.Crumb{Label: "Move"})...)
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: "Move " + shell.Count(int64(len(ids)), k), Icon: "transfer"}, Form: form}
	return v.RenderStatus(web.Status(refused), "form", p)
}

// foreseeMove says which of the selected records would go to an organization.
func (v *visit) foreseeMove(x *shell.Selected, to id.ID, move func(*gate.Tx, id.ID) error) error {
	var names map[id.ID]string
	if err := v.View(func(tx *gate.Tx) (err error) { names, err = v.Records.Names(tx, to); return err }); err != nil {
		return err
	}
	where := names[to]
	if where == "" {
		where = "that organization"
	}
	return v.foresee(x, wording{title: "Move " + shell.Count(int64(len(x.IDs)), x.Kind), icon: "transfer", becomes: "Go to " + where, button: "Move", also: v.staysBehind(x.Kind)},
		[]ui.Hidden{{Name: "do", Value: "move." + applied}, {Name: "to", Value: to.String()}, {Name: "drop", Value: x.Form.Text("drop")}}, move)
}

// staysBehind names what records of a kind give up when they are moved.
func (v *visit) staysBehind(k *record.Kind) string {
	var words []string
	for i := range k.Fields {
		x := &k.Fields[i]
		if x.Type == record.Ref && !x.ReadOnly && v.Kind(x.Ref).Scope != record.OfTenant && v.Kind(x.Ref).Scope != record.Organization {
			words = append(words, shell.Lower(x.Title()))
		}
	}
	if v.OwnOf(k.Name).Stays != nil {
		words = append(words, "what they are embedded in")
	}
	if len(words) == 0 {
		return "Nothing of them stays behind."
	}
	return "These stay behind, because they belong to the organization: " + strings.Join(words, ", ") + "."
}
