// Package records holds the pages that are derived for every kind alike: those
// of one record, its forms and history, the trash, and what is done to many
// records at once.
//
// Always true: a kind needs no code here; what a kind has of its own, another
// group gives to the shell. A button that leads to a refusal is not shown.
package records

import (
	"embed"
	"io/fs"
	"strconv"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/record"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages parts
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct{}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Favourites = favourites{}
	s.Nav(shell.Entry{Label: "Trash", Href: "/trash", Icon: "trash", Place: 120,
		For: func(c *access.Caller) bool { return c.May(access.Delete) && !c.Scope.ReadOnly }})
	s.Manage(shell.ToData, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Trash", Sub: "Deleted records are kept for " + strconv.Itoa(int(record.KeepTrash.Hours()/24)) + " days", Href: "/trash", Icon: "trash"}}
	})
	s.Deeds(p.bulk()...)
	for _, k := range s.Records.Kinds.Kinds() {
		p.mountKind(s, k)
	}
	s.Get("/new", p.as((*visit).chooseNew))
	s.Get("/refs/any", p.as((*visit).anyRefs))
	s.Get("/refs/{kind}", p.as((*visit).refs))
	s.Get("/trash", p.as((*visit).trash))
	s.Get("/records/{id}", p.as((*visit).anyRecord))
	s.Get("/records/{id}/card", p.as((*visit).anyRecord))
	s.Get("/{rest...}", p.as((*visit).elsewhere))
}

// mountKind mounts the pages of a kind. Those of a kind that only administrators
// change are for them alone.
func (p *Pages) mountKind(s *shell.Shell, k *record.Kind) {
	with := func(h func(*visit, *record.Kind) error) shell.Handler {
		out := p.as(func(v *visit) error { return h(v, k) })
		if k.Admin {
			return shell.Administering(out)
		}
		return out
	}
	at := shell.ListURL(k)
	s.Get(at+"/{id}", with((*visit).detail))
	s.Post(at+"/{id}/star", with((*visit).star))
	s.Get(at+"/{id}/history", with((*visit).history))
	if k.Fixed {
		return
	}
	s.Get(at+"/new", with((*visit).newRecord))
	s.Post(at, with((*visit).create))
	s.Get(at+"/{id}/edit", with((*visit).edit))
	s.Post(at+"/{id}", with((*visit).update))
	s.Post(at+"/{id}/archive", with((*visit).archive))
	s.Post(at+"/{id}/delete", with((*visit).trashOne))
	s.Post(at+"/{id}/undelete", with((*visit).untrash))
	if shell.Movable(k) {
		s.Get(at+"/{id}/move", with(func(v *visit, k *record.Kind) error { return v.moveForm(k, nil, nil) }))
		s.Post(at+"/{id}/move", with((*visit).move))
	}
	s.Post(at+"/{id}/history/{version}", with((*visit).restoreVersion))
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
