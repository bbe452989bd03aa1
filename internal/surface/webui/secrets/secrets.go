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
	"strongroom/internal/feature/password/filed"
	"strongroom/internal/feature/personal"
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
	own := s.Own(filed.Password)
	own.Page = func(v *shell.Visit, r *record.Record) error { return (&visit{v, p, filed.Password}).passwordPage(r) }
	own.Form = passwordForm
	own.Stays = embedding
	own.Card = func(v *shell.Visit, tx *gate.Tx, r *record.Record, id string, c *shell.Card) error {
		return (&visit{v, p, filed.Password}).card(tx, r, id, c)
	}
	for _, kind := range []string{filed.Password, personal.Kind} {
		k := s.Records.Kinds.Kind(kind)
		if k == nil {
			continue
		}
		as := func(h func(*visit) error) shell.Handler {
			return func(v *shell.Visit) error { return h(&visit{v, p, k.Name}) }
		}
		s.Post("/"+k.Plural+"/{id}/reveal", as((*visit).revealPassword))
		s.Post("/"+k.Plural+"/{id}/otp", as((*visit).oneTimeCode))
		s.Get("/"+k.Plural+"/{id}/versions/{version}", as((*visit).passwordVersion))
		s.Post("/"+k.Plural+"/{id}/versions/{version}/reveal", as((*visit).revealPassword))
		s.Post("/"+k.Plural+"/{id}/versions/{version}/restore", as((*visit).restorePassword))
	}
	alone := s.Own(personal.Kind)
	alone.Page = func(v *shell.Visit, r *record.Record) error { return (&visit{v, p, personal.Kind}).passwordPage(r) }
	alone.Form = passwordForm
	s.Get("/generate", p.as((*visit).generator))
	s.Post("/generate", p.as((*visit).generate))
}

// visit is one request for a page of the group.
type visit struct {
	*shell.Visit
	*Pages
	kind string // of the password that it is about
}

// as makes a handler of the shell.
func (p *Pages) as(h func(*visit) error) shell.Handler {
	return func(v *shell.Visit) error { return h(&visit{v, p, filed.Password}) }
}
