// Package eyes lets an administrator see the pages as somebody else sees them.
//
// Always true: it is begun from the page of that user, and a line above every page says
// so until it is ended; the gate is what keeps it from doing anything.
package eyes

import (
	"embed"
	"io/fs"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{ Sessions *identity.Sessions }

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Get(shell.EyesPage, p.as((*visit).now))
	s.Post("/users/{id}/as", p.as((*visit).begin))
	s.Rail(shell.RailPart{Draw: customer})
	s.Rail(shell.RailPart{Draw: func(v *shell.Visit, _ *gate.Tx, r *record.Record) (*ui.Section, error) {
		c := v.Caller
		if r.Kind.Name != identity.User || r.Archived || c.Role != access.Administrator || !c.Everything() || c.Scope.Looks || r.Values.Text("role_name") == string(access.Administrator) {
			return nil, nil
		}
		return &ui.Section{Title: "View as", Items: []ui.Item{{Title: "See the pages as " + r.Name, Sub: "Nothing can be changed or revealed; it is recorded", Icon: "eye",
			Action: &ui.Action{Label: "View as", Href: "/users/" + r.ID.String() + "/as", Post: true}}}}, nil
	}})
}

// customer stands beside a contact who uses the portal, for who may see it as she does.
func customer(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
	c := v.Caller
	if r.Kind.Name != "contact" || r.Archived || !identity.LooksAsCustomers(c) {
		return nil, nil
	}
	users, err := tx.IDs(`select p.user_id from access_principal p where p.contact_id = ? and p.role = ? and p.active = 1 order by p.user_id limit 1`, int64(r.ID), string(access.SelfService))
	if err != nil || len(users) == 0 {
		return nil, err
	}
	return &ui.Section{Title: "Portal", Items: []ui.Item{{Title: "See it as " + r.Name, Sub: "Nothing can be changed; it is recorded", Icon: "eye",
		Action: &ui.Action{Label: "View as", Href: "/users/" + users[0].String() + "/as", Post: true}}}}, nil
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

type eyesView struct {
	Head ui.Head
	On   bool
	Name string
	End  ui.Action
}

// now says through whose eyes one looks, and ends it.
func (v *visit) now() error {
	d := eyesView{Head: ui.Head{Title: "View as somebody else", Icon: "eye"}, On: v.Caller.Behind != nil, Name: v.Caller.Name,
		End: ui.Action{Label: "Be yourself again", Icon: "eye-off", Href: shell.EyesPage + "/end", Post: true, Primary: true}}
	p, err := v.Page(d.Head.Title, ui.Crumb{Label: d.Head.Title})
	if err != nil {
		return err
	}
	p.Data = d
	return v.Render("eyes", p)
}

func (v *visit) begin() error {
	user, err := v.ID("id")
	if err != nil {
		return err
	}
	if err := v.Sessions.LookAs(v.R.Context(), v.Caller, user); err != nil {
		return err
	}
	return v.Done("/", "You see the pages as she does. Nothing that you do here counts.")
}
