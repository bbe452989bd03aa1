package records

import (
	"slices"
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

// What can be done to the access of many records at once.
const (
	giveAccess  = "give"  // open them to more users and groups
	takeAccess  = "take"  // take it from some
	closeAccess = "close" // close them to all others
)

// shareable tells whether the access of many records of a kind can be changed.
func (v *visit) shareable(k *record.Kind) bool {
	return v.May(access.Restrict, k) && (k.Scope == record.OfOrganization || k.Scope == record.Organization)
}

// bulkAccess asks who may see the selected records, and says so of each.
func (v *visit) bulkAccess(x *shell.Selected) error {
	k, f, ids := x.Kind, x.Form, x.IDs
	var refused error
	if x.Step() == applied || x.Step() == looked {
		s, err := sharing(f)
		switch {
		case err == nil && x.Step() == looked:
			return v.foreseeShare(s, x)
		case err == nil:
			return v.shareAll(s, x)
		}
		refused = err
	}
	form := ui.Form{Action: shell.ListURL(k) + "/bulk", Cancel: x.Back, Submit: "Look what would happen",
		Hidden: []ui.Hidden{{Name: "ids", Value: join(ids)}, {Name: "back", Value: x.Back}, {Name: "do", Value: "access." + looked}}}
	err := v.View(func(tx *gate.Tx) (err error) { form.Fields, err = v.accessFields(tx, f); return err })
	if err != nil {
		return err
	}
	if refused != nil {
		say := fault.Say(refused)
		form.Wrong(say.Text, say.Hint, say.Fields)
	}
	p, err := v.Page("Access to "+k.Labels, append(v.Crumbs(k, 0, ""), ui.Crumb{Label: "Access"})...)
	if err != nil {
		return err
	}
	p.Data = shell.FormPage{Head: ui.Head{Title: "Access to " + shell.Count(int64(len(ids)), k), Icon: "shield-lock"}, Form: form}
	return v.RenderStatus(web.Status(refused), "form", p)
}

func (v *visit) accessFields(tx *gate.Tx, f *web.Form) ([]ui.Field, error) {
	chosen := map[id.ID]bool{}
	for _, x := range shell.IDs(append(f.All("users"), f.All("groups")...)) {
		chosen[x] = true
	}
	groups, err := v.Choices(tx, "group", chosen)
	if err != nil {
		return nil, err
	}
	users, err := v.Choices(tx, "user", chosen)
	if err != nil {
		return nil, err
	}
	how := []ui.Option{{Value: giveAccess, Label: "Open them to these besides those who have access"}, {Value: takeAccess, Label: "Take access from these, where it was given to them by name"},
		{Value: closeAccess, Label: "Close them to everybody but these, and administrators"}}
	for i := range how {
		how[i].Selected = how[i].Value == f.Text("how")
	}
	return []ui.Field{
		{Name: "how", Label: "What to do", Type: "select", Required: true, Wide: true, Options: how},
		{Name: "groups", Label: "Groups", Type: "select", Multiple: true, Options: groups},
		{Name: "users", Label: "Users", Type: "select", Multiple: true, Options: users},
		{Name: "until", Label: "Until (UTC)", Type: "datetime-local", Value: f.Text("until"), Hint: "Empty: without an end."},
	}, nil
}

// share is what a form says about the access of many records.
type share struct {
	how           string
	users, groups []id.ID
	until         int64
}

func sharing(f *web.Form) (s share, err error) {
	s = share{how: f.Text("how"), users: shell.IDs(f.All("users")), groups: shell.IDs(f.All("groups"))}
	switch {
	case s.how != giveAccess && s.how != takeAccess && s.how != closeAccess:
		return s, fault.Field("how", "Choose what to do.")
	case s.how != closeAccess && len(s.users)+len(s.groups) == 0:
		return s, fault.Field("groups", "Choose at least one group or user.")
	}
	s.until, err = shell.Until(f, "until")
	return s, err
}

// foreseeShare says of which of the selected records who may see them would change.
func (v *visit) foreseeShare(s share, x *shell.Selected) error {
	hidden := []ui.Hidden{{Name: "do", Value: "access." + applied}, {Name: "how", Value: s.how}, {Name: "until", Value: x.Form.Text("until")}}
	for _, who := range s.users {
		hidden = append(hidden, ui.Hidden{Name: "users", Value: who.String()})
	}
	for _, who := range s.groups {
		hidden = append(hidden, ui.Hidden{Name: "groups", Value: who.String()})
	}
	var names map[id.ID]string
	if err := v.View(func(tx *gate.Tx) (err error) {
		names, err = v.Records.Names(tx, slices.Concat(s.groups, s.users)...)
		return err
	}); err != nil {
		return err
	}
	var who []string
	for _, i := range slices.Concat(s.groups, s.users) {
		who = append(who, names[i])
	}
	list := strings.Join(who, ", ")
	words := map[string]string{giveAccess: "Open to " + list + " too", takeAccess: "Taken from " + list, closeAccess: "Close to all but " + list}[s.how]
	if s.how == closeAccess && list == "" {
		words = "Close to all but administrators"
	}
	return v.foresee(x, wording{title: "Access to " + shell.Count(int64(len(x.IDs)), x.Kind), icon: "shield-lock", becomes: words, button: "Change"}, hidden,
		func(tx *gate.Tx, rec id.ID) error { return s.apply(v.Records, tx, x.Kind, rec) })
}

func (v *visit) shareAll(s share, x *shell.Selected) error {
	done, first, err := v.toEach(x.IDs, func(tx *gate.Tx, rec id.ID) error { return s.apply(v.Records, tx, x.Kind, rec) })
	if err != nil {
		return err
	}
	return v.bulkDone(x, deed{words: "changed in who may see them"}, done, first)
}

// apply changes who may see one record.
func (s share) apply(e *record.Engine, tx *gate.Tx, k *record.Kind, rec id.ID) error {
	if s.until != 0 && s.until <= tx.Now && s.how != takeAccess {
		return shell.Over("until")
	}
	r, err := e.Get(tx, k.Name, rec)
	if err != nil {
		return err
	}
	if r.Restricted && r.Guard != rec && s.how != closeAccess {
		return fault.New(fault.Conflict, "%s is restricted by its folder.", r.Name).WithHint("Change who may see the folder, or close the record by itself.")
	}
	_, users, groups, err := e.Access(tx, rec)
	if err != nil {
		return err
	}
	switch s.how {
	case giveAccess:
		users, groups = append(users, s.users...), append(groups, s.groups...)
	case takeAccess:
		users, groups = without(users, s.users), without(groups, s.groups)
	default:
		users, groups = s.users, s.groups
	}
	if err := e.SetAccess(tx, k.Name, rec, r.Restricted || s.how == closeAccess, users, groups); err != nil || s.how == takeAccess {
		return err
	}
	ends := map[id.ID]int64{}
	for _, who := range slices.Concat(s.users, s.groups) {
		ends[who] = s.until
	}
	return access.SetEnds(tx.SQL(), rec, ends)
}

func without(list, these []id.ID) []id.ID {
	return slices.DeleteFunc(list, func(x id.ID) bool { return slices.Contains(these, x) })
}
