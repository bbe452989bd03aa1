package shell

import (
	"fmt"
	"net/http"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Visit is one request of somebody who is signed in. A group of pages embeds it
// in a type of its own, beside what its pages need.
type Visit struct {
	*Shell
	W      http.ResponseWriter
	R      *http.Request
	Caller *access.Caller
}

// View runs fn in a transaction that reads.
func (v *Visit) View(fn func(tx *gate.Tx) error) error {
	return v.Gate.View(v.R.Context(), v.Caller, fn)
}

// Change runs fn in a transaction that writes, once the gate has allowed it.
func (v *Visit) Change(a access.Action, t gate.Thing, fn func(tx *gate.Tx) error) error {
	return v.Gate.Change(v.R.Context(), v.Caller, a, t, fn)
}

// Kind finds a declared kind by its name; nil when there is none.
func (v *Visit) Kind(name string) *record.Kind { return v.Records.Kinds.Kind(name) }

// May tells whether the caller may do something to records of a kind that she
// sees: for showing buttons. The gate decides again when it is done.
func (v *Visit) May(a access.Action, k *record.Kind) bool {
	return v.may(a, k, k.Scope == record.OfTenant)
}

// MayTo is May for one record.
func (v *Visit) MayTo(a access.Action, r *record.Record) bool {
	return v.may(a, r.Kind, r.Kind.Scope == record.OfTenant || r.Kind.Shared && r.Org == 0)
}

func (v *Visit) may(a access.Action, k *record.Kind, tenant bool) bool {
	verdict, _ := access.Decide(v.Caller, a, access.Target{Kind: k.Name, Tenant: tenant, Admin: k.Admin, Visible: true})
	return verdict == access.Allowed && !(k.Fixed && a != access.View)
}

// ID reads a path value. A value that is no id is like a record that does not
// exist.
func (v *Visit) ID(name string) (id.ID, error) {
	i, ok := id.Parse(v.R.PathValue(name))
	if !ok {
		return 0, gate.Missing()
	}
	return i, nil
}

// Form reads the form of the request.
func (v *Visit) Form() (*web.Form, error) { return web.ParseForm(v.R) }

// Render answers with a page in the layout; name is that of its template's file.
func (v *Visit) Render(name string, p ui.Page) error {
	return v.pages.Render(v.W, v.R, name, p)
}

// RenderStatus answers with a page and another status: that of a form which was
// refused.
func (v *Visit) RenderStatus(status int, name string, p ui.Page) error {
	return v.pages.RenderStatus(v.W, v.R, status, name, p)
}

// Block gives one block of a page as text, to be sent to a page that is open.
func (v *Visit) Block(name, block string, p ui.Page) (string, error) {
	return v.pages.Block(name, block, p)
}

// Still gives the caller as she is now, without taking it for a use of her session.
func (v *Visit) Still() (*access.Caller, error) { return v.Door.Still(v.R) }

// Done answers a POST: a sentence for the next page, and where that is.
func (v *Visit) Done(to, format string, args ...any) error {
	web.SetFlash(v.W, v.R, web.Flash{Tone: "ok", Text: fmt.Sprintf(format, args...)})
	return web.SeeOther(v.W, v.R, to)
}

// Page fills the layout around a page: navigation, favourites, recent records.
// The crumbs are the way to it, itself last.
func (v *Visit) Page(title string, crumbs ...ui.Crumb) (ui.Page, error) {
	p := v.Plain(v.R, title, nil)
	p.Flash, p.Crumbs = web.TakeFlash(v.W, v.R), crumbs
	p.User = &ui.User{Name: v.Caller.Name, Detail: v.Caller.Title(), Href: "/account", SignOut: "/sign-out"}
	p.Nav, p.New, p.NewURL = v.Navigation(), v.Offers(), "/new"
	if v.Caller.Role == access.SelfService {
		p.Nav, p.New = []ui.NavItem{{Label: "Portal", Href: portalPage, Icon: "home"}}, nil
		p.Brand.Href, p.User.Href = portalPage, "/me/security"
		return p, v.View(func(tx *gate.Tx) error { p.Brand.Tenant = tx.Tenant.Title(); return nil })
	}
	if web.IsSwap(v.R) { // only a block is drawn: the layout is not
		return p, nil
	}
	switch {
	case v.Caller.OneTime:
		p.Notice = &ui.Notice{Tone: "warn", Text: "You signed in with a one-time password. Change it to see passwords.", Link: "Change it", Href: "/account/password"}
	case v.Demo:
		p.Notice = &ui.Notice{Tone: "info", Text: "This is a demo. Its administrator needs no second factor: do not put real passwords into it."}
	}
	return p, v.View(func(tx *gate.Tx) error {
		p.Brand.Tenant = tx.Tenant.Title()
		var err error
		if v.Warn != nil && v.Caller.AuthLevel < 2 && !v.Caller.OneTime {
			n, err := v.Warn(tx)
			if err != nil {
				return err
			}
			if n != nil {
				p.Notice = n
			}
		}
		for _, line := range v.above {
			n, err := line(v, tx)
			if err != nil {
				return err
			}
			if n != nil {
				p.Notice = n
				break
			}
		}
		if n := looking(v.Caller); n != nil {
			p.Notice = n
		}
		if p.Stars, p.Recent, err = v.Favourites.Lines(v, tx); err != nil || v.Bell == nil {
			return err
		}
		p.Bell, err = v.Bell(tx)
		return err
	})
}
