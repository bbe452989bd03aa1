// Package home holds the pages that look over everything a person may see: the
// dashboard, what runs out, the search and its palette.
//
// Always true: they show and count only what the caller may see.
package home

import (
	"embed"
	"io/fs"

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
	s.Nav(shell.Entry{Label: "Dashboard", Href: "/", Icon: "layout-dashboard", Go: "d"})
	s.Nav(shell.Entry{Label: "Expirations", Href: "/expirations", Icon: "calendar-due", Go: "e", Place: 100})
	s.Get("/{$}", p.as((*visit).home))
	s.Get("/expirations", p.as((*visit).expirations))
	s.Get("/expirations/export", p.as((*visit).exportExpirations))
	s.Get("/search", p.as((*visit).search))
	s.Get("/actions/{id}", p.as((*visit).actions))
	s.Get("/keyboard", p.as((*visit).keyboard))
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
