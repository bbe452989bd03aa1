// Package roles holds the pages of the roles that a tenant makes itself, and the one
// that says why somebody sees a record.
//
// Always true: only administrators change a role; a page offers what a role can
// allow and nothing else, and works without script.
package roles

import (
	"embed"
	"io/fs"
	"slices"
	"strconv"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/apikey"
	"strongroom/internal/feature/identity"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Keys *apikey.Keys
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Own(identity.Role).Page = func(v *shell.Visit, r *record.Record) error { return page(v, r) }
	s.Post("/roles/{id}/rights", shell.Administering(save))
	s.Get("/access/{id}/why", shell.Administering(p.why))
	s.Manage(shell.ToPeople, func(_ *shell.Visit, totals map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Custom roles", Sub: web.Number(totals[identity.Role]) + ": what people may do, by kind of record", Href: "/roles", Icon: "shield-check"}}
	})
}

// view is the page of a role: a matrix of kinds and actions.
type view struct {
	Head    ui.Head
	Notice  *ui.Notice
	About   string
	Words   string
	Action  string
	Version string
	Edit    bool
	Columns []string
	Lines   []line
	Whole   []box
	Starts  []ui.Action
	Rail    []*ui.Section
}

// line is what a role allows of one kind.
type line struct {
	Label, Icon string
	Boxes       []box
}

// box is one thing that a role may allow; without a name it cannot be chosen.
type box struct {
	Name, Label string
	On, Settled bool
}

func page(v *shell.Visit, r *record.Record) error {
	rights, err := access.ParseRights(r.Values.Text("rights"))
	if err != nil {
		return err
	}
	d := &view{Notice: v.ArchivedNotice(r), About: r.Values.Text("description"), Action: shell.RecordURL(r.Kind, r.ID) + "/rights",
		Version: strconv.FormatInt(r.Version, 10), Edit: v.May(access.Edit, r.Kind) && !r.Archived}
	shown := rights
	if from := access.Role(v.R.URL.Query().Get("from")); d.Edit && from.Valid() && from != access.Administrator {
		shown = builtIn(v.Records.Kinds, from)
		d.Notice = &ui.Notice{Tone: "info", Text: "These are the rights of the role " + string(from) + ". Change what is to be different, then save."}
	}
	d.matrix(v.Records.Kinds, shown)
	err = v.View(func(tx *gate.Tx) error {
		if d.Head, err = v.HeadOf(tx, r); err != nil {
			return err
		}
		users, keys, err := access.Holders(tx.SQL(), r.ID)
		if err != nil {
			return err
		}
		d.Words = holdersWords(users, keys) + " " + leastWords(rights)
		d.Rail, err = v.RailOf(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	d.Head.Star = nil
	if d.Edit {
		for _, role := range access.Roles()[1:] {
			d.Starts = append(d.Starts, ui.Action{Label: string(role), Href: shell.RecordURL(r.Kind, r.ID) + "?from=" + string(role), Quiet: true})
		}
	}
	p, err := v.Page(r.Name, v.Crumbs(r.Kind, 0, "", ui.Crumb{Label: r.Name})...)
	if err != nil {
		return err
	}
	p.Keys, p.Data = shell.RecordKeys(), d
	return v.Render("role", p)
}

func holdersWords(users, keys int) string {
	who := strconv.Itoa(users) + " users"
	if users == 1 {
		who = "1 user"
	}
	what := strconv.Itoa(keys) + " API keys"
	if keys == 1 {
		what = "1 API key"
	}
	return who + " and " + what + " have this role."
}

func leastWords(r access.Rights) string {
	if len(r) == 0 {
		return "It allows nothing yet but to see organizations."
	}
	return "It narrows the role that a user has beside it: in full it counts with the role " + string(r.Least()) + " or one above it."
}

// builtIn gives the rights of a built-in role as those of a custom one.
func builtIn(g *record.Registry, role access.Role) access.Rights {
	out := access.Rights{}
	for _, k := range identity.Listed(g) {
		for _, a := range access.KindActions() {
			verdict, _ := access.Decide(&access.Caller{Role: role}, a, access.Target{Kind: k.Name, Visible: true})
			if verdict == access.Allowed && offered(k, a) {
				out[k.Name] = append(out[k.Name], a)
			}
		}
	}
	for _, a := range access.WholeActions() {
		if role.May(a) {
			out[access.Whole] = append(out[access.Whole], a)
		}
	}
	return out
}

// offered tells whether a role can allow something of a kind: approvals are about
// passwords and their folders.
func offered(k *record.Kind, a access.Action) bool {
	return a != access.Approve || k.Name == "password" || k.Name == "password_folder"
}

func (d *view) matrix(g *record.Registry, rights access.Rights) {
	for _, a := range access.KindActions() {
		d.Columns = append(d.Columns, word(a))
	}
	kinds := slices.Clone(identity.Listed(g))
	slices.SortStableFunc(kinds, func(a, b *record.Kind) int { return place(a) - place(b) })
	for _, k := range kinds {
		l := line{Label: k.Labels, Icon: k.Icon}
		for _, a := range access.KindActions() {
			b := box{Name: k.Name + "." + string(a), Label: k.Labels + ": " + word(a), On: rights.Has(k.Name, a)}
			switch {
			case !offered(k, a):
				b = box{}
			case k.Scope == record.Organization && a == access.View:
				b.On, b.Settled = true, true
			}
			l.Boxes = append(l.Boxes, b)
		}
		d.Lines = append(d.Lines, l)
	}
	for _, a := range access.WholeActions() {
		d.Whole = append(d.Whole, box{Name: access.Whole + "." + string(a), Label: wholeWord(a), On: rights.Has(access.Whole, a)})
	}
}

// place has the kinds of the menu come first, in its order.
func place(k *record.Kind) int {
	if k.Menu == 0 {
		return 1000
	}
	return k.Menu
}

func word(a access.Action) string {
	return map[access.Action]string{access.View: "See", access.Create: "Create", access.Edit: "Change", access.Archive: "Archive", access.Delete: "Delete",
		access.Reveal: "Reveal", access.Comment: "Comment", access.Restrict: "Say who sees", access.Export: "Export", access.Approve: "Approve"}[a]
}

func wholeWord(a access.Action) string {
	return map[access.Action]string{access.Import: "Import records", access.Export: "Export everything that is seen", access.Configure: "Change the tenant's lists: types, statuses, manufacturers",
		access.Inspect: "Read the audit trail"}[a]
}

func save(v *shell.Visit) error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	form, err := v.Form()
	if err != nil {
		return err
	}
	rights := access.Rights{}
	for _, k := range identity.Listed(v.Records.Kinds) {
		for _, a := range access.KindActions() {
			if offered(k, a) && form.Bool(k.Name+"."+string(a)) {
				rights[k.Name] = append(rights[k.Name], a)
			}
		}
	}
	for _, a := range access.WholeActions() {
		if form.Bool(access.Whole + "." + string(a)) {
			rights[access.Whole] = append(rights[access.Whole], a)
		}
	}
	version, _ := strconv.ParseInt(form.Text("version"), 10, 64)
	err = v.Change(access.Edit, gate.Thing{Kind: identity.Role, ID: rid}, func(tx *gate.Tx) error {
		return identity.SetRights(tx, v.Records, rid, version, rights)
	})
	if err != nil {
		return err
	}
	return v.Done("/roles/"+rid.String(), "Rights saved. They count from now on.")
}
