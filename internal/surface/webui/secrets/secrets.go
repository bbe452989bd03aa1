// Package secrets holds the pages that show secrets and make them: the page of a
// password with its versions and one-time codes, and the generator.
//
// Always true: an answer with a secret is for one pair of eyes once, never kept
// and never compressed, and is given only after the key service has recorded
// who gets it; what the generator makes is kept nowhere.
package secrets

import (
	"embed"
	"io/fs"

	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/core/secret"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Secrets *secret.Revealer
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	own := s.Own("password")
	own.Page = func(v *shell.Visit, r *record.Record) error { return (&visit{v, p}).passwordPage(r) }
	own.Form = passwordForm
	own.Stays = embedding
	own.Card = func(v *shell.Visit, tx *gate.Tx, r *record.Record, id string, c *shell.Card) error {
		return (&visit{v, p}).card(tx, r, id, c)
	}
	s.Post("/passwords/{id}/reveal", p.as((*visit).revealPassword))
	s.Post("/passwords/{id}/otp", p.as((*visit).oneTimeCode))
	s.Get("/passwords/{id}/versions/{version}", p.as((*visit).passwordVersion))
	s.Post("/passwords/{id}/versions/{version}/reveal", p.as((*visit).revealPassword))
	s.Post("/passwords/{id}/versions/{version}/restore", p.as((*visit).restorePassword))
	s.Get("/generate", p.as((*visit).generator))
	s.Post("/generate", p.as((*visit).generate))
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
