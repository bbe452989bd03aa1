// Package trail holds the pages of the audit trail: of the tenant, with its
// proof, and of each record.
//
// Always true: nobody is shown an entry about what she may not see; reading the
// whole log is itself recorded.
package trail

import (
	"embed"
	"io/fs"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/core/tenant"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	House *tenant.House
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Nav(shell.Entry{Label: "Audit trail", Href: "/audit", Icon: "history", Go: "a", Place: 130,
		For: func(c *access.Caller) bool { return c.May(access.Inspect) }})
	s.Manage(shell.ToData, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Audit trail", Sub: "Everything that was done, and its proof", Href: "/audit", Icon: "history"}}
	})
	s.Rail(shell.RailPart{Draw: func(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
		return (&visit{v, p}).activitySection(tx, r)
	}})

	s.Nav(shell.Entry{Label: "Activity", Href: "/activity", Icon: "activity", Go: "v", Place: 107})
	s.Lately(func(v *shell.Visit, tx *gate.Tx, org id.ID) (*ui.Section, error) {
		return (&visit{v, p}).lately(tx, org, 6)
	})
	s.Get("/activity", p.as((*visit).feed))

	// The audit trail of the tenant is at /audit, that of one record at
	// /activity/RECORD.
	checks := &verifications{}
	s.Get("/audit", p.as((*visit).audit))
	s.Post("/audit/verify", p.as(func(v *visit) error { return v.startVerify(checks) }))
	s.Get("/audit/verify", p.as(func(v *visit) error { return v.verified(checks) }))
	s.Post("/audit/export", p.as((*visit).exportAudit), web.Within(0))
	s.Get("/activity/{id}", p.as((*visit).activity))
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
