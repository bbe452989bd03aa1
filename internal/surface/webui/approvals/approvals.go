// Package approvals holds the pages on which people ask to see a password that
// takes an approval, and decide about what others ask.
//
// Always true: a page tells of a request only to who asked and to who may decide
// about it; everything works with the keyboard alone and without script.
package approvals

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/feature/approval"
	"strongroom/internal/feature/checkout/held"
	"strongroom/internal/feature/password/demand"
	"strongroom/internal/feature/password/filed"
	"strongroom/internal/feature/rotation/limit"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Nav(shell.Entry{Label: "Approvals", Href: "/approvals", Icon: "shield-check", Place: 70, For: func(c *access.Caller) bool { return c.May(access.Reveal) }})
	s.Get("/approvals", p.as((*visit).list))
	s.Post("/approvals/settings", shell.Administering(p.as((*visit).settle)))
	s.Get("/approvals/{id}", p.as((*visit).one))
	s.Post("/approvals/{id}/decide", p.as((*visit).decide))
	s.Post("/approvals/{id}/end", p.as((*visit).end))
	for _, kind := range []string{filed.Password, filed.Folder} {
		k := s.Records.Kinds.Kind(kind)
		if k == nil {
			return
		}
		s.Get("/"+k.Plural+"/{id}/approval", p.as(func(v *visit) error { return v.ofRecord(k) }))
		s.Post("/"+k.Plural+"/{id}/approval", p.as(func(v *visit) error { return v.sent(k) }))
	}
	s.Rail(shell.RailPart{Draw: beside})
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

// listView is the page of all that the caller asked for and may decide about.
type listView struct {
	Head     ui.Head
	Decides  bool
	Due      []ui.Item
	Standing []ui.Item
	Mine     []ui.Item
	Held     []ui.Item // checked out
	Form     *ui.Form
}

func (v *visit) list() error { return v.listPage(nil, nil) }

func (v *visit) listPage(sent *approval.Settings, refused error) error {
	d := listView{Decides: demand.MayDecide(v.Caller), Head: ui.Head{Title: "Approvals", Icon: "shield-check", Sub: []ui.Cell{{Text: "Passwords that are shown only once somebody else has said yes"}}}}
	err := v.View(func(tx *gate.Tx) error {
		due, err := approval.Due(tx)
		if err != nil {
			return err
		}
		standing, err := approval.Standing(tx)
		if err != nil {
			return err
		}
		mine, err := approval.Mine(tx)
		if err != nil {
			return err
		}
		out, err := held.Now(tx)
		if err != nil {
			return err
		}
		for _, h := range out {
			d.Held = append(d.Held, heldItem(h))
		}
		d.Due, d.Standing, d.Mine = items(due, true), items(standing, true), items(mine, false)
		if !v.Caller.May(access.Administer) {
			return nil
		}
		now, err := approval.Setting(tx)
		if sent != nil {
			now = *sent
		}
		d.Form = settings(now, refused)
		return err
	})
	if err != nil {
		return err
	}
	p, err := v.Page("Approvals", ui.Crumb{Label: "Approvals"})
	if err != nil {
		return err
	}
	p.Data = d
	return v.RenderStatus(status(refused), "approvals", p)
}

func status(refused error) int {
	if refused == nil {
		return http.StatusOK
	}
	return web.Status(refused)
}

func settings(s approval.Settings, refused error) *ui.Form {
	f := &ui.Form{Action: "/approvals/settings", Submit: "Save", Fields: []ui.Field{
		{Type: "heading", Label: "Settings"},
		{Name: "needed", Label: "Approvals of a new demand", Type: "number", Required: true, Min: "1", Max: strconv.Itoa(approval.Voices), Value: strconv.Itoa(s.Needed)},
		{Name: "own", Label: "An administrator may approve for herself or himself, in an emergency", Type: "checkbox", Checked: s.Own, Wide: true,
			Hint: "It is recorded as that, and all who could have decided are told."},
	}}
	wrong(f, refused)
	return f
}

func wrong(f *ui.Form, refused error) {
	if refused != nil {
		say := fault.Say(refused)
		f.Wrong(say.Text, say.Hint, say.Fields)
	}
}

func (v *visit) settle() error {
	form, err := v.Form()
	if err != nil {
		return err
	}
	s := approval.Settings{Needed: int(form.Int("needed")), Own: form.Bool("own")}
	if err = form.Err(); err == nil {
		err = v.Change(access.Administer, gate.Thing{}, func(tx *gate.Tx) error { return approval.Settle(tx, s) })
	}
	if shell.Refusable(err) {
		return v.listPage(&s, err)
	}
	if err != nil {
		return err
	}
	return v.Done("/approvals", "Saved.")
}

// items are requests in a list; of others with who asked.
func items(list []*approval.Request, others bool) []ui.Item {
	var out []ui.Item
	for _, r := range list {
		p := pill(r)
		it := ui.Item{Title: r.Name, Sub: what(r) + " · " + r.Reason, Href: "/approvals/" + r.ID.String(), Icon: "key", Pill: &p, Time: shell.When(r.At)}
		if others {
			it.Badge, it.Person, it.Sub = r.UserName, true, r.UserName+" · "+it.Sub
		}
		out = append(out, it)
	}
	return out
}

func what(r *approval.Request) string {
	switch {
	case r.What == approval.Lift:
		return "Lift the demand"
	case r.What == approval.Share:
		return "See it without a check-out"
	case r.What == approval.Age && r.Days == limit.None:
		return "Drop its own age limit"
	case r.What == approval.Age && r.Days == 0:
		return "Let it become as old as it likes"
	case r.What == approval.Age:
		return "Let it become " + strconv.Itoa(r.Days) + " days old"
	}
	return "See it for " + span(r.Minutes)
}

func span(minutes int) string {
	switch {
	case minutes == 60:
		return "1 hour"
	case minutes%60 == 0:
		return strconv.Itoa(minutes/60) + " hours"
	}
	return strconv.Itoa(minutes) + " minutes"
}

func pill(r *approval.Request) ui.Pill {
	switch r.State {
	case approval.Open:
		return ui.Pill{Text: fmt.Sprintf("Waits, %d of %d", r.Given, r.Needed), Tone: "warn"}
	case approval.Granted:
		return ui.Pill{Text: "Until " + shell.When(r.Ends).Format("15:04") + " UTC", Tone: "ok"}
	case approval.Declined:
		return ui.Pill{Text: "Refused", Tone: "bad"}
	case approval.Withdrawn:
		return ui.Pill{Text: "Taken back"}
	case approval.Lapsed:
		return ui.Pill{Text: "Nobody decided"}
	case approval.Changed:
		return ui.Pill{Text: "Over, the secret changed"}
	}
	if r.What != approval.See {
		return ui.Pill{Text: "Done", Tone: "ok"}
	}
	return ui.Pill{Text: "Over"}
}

// spans are the times that can be chosen.
func spans(chosen int) []ui.Option {
	var out []ui.Option
	for _, m := range []int{15, 30, 60, 120, 240, 480, 1440} {
		out = append(out, ui.Option{Value: strconv.Itoa(m), Label: span(m), Selected: m == chosen})
	}
	return out
}
