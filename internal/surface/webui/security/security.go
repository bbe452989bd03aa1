// Package security holds the pages of a person's own second factors, the step that
// asks for one again, and the tenant's policy about them.
//
// Always true: everybody sees and changes her own factors alone, and only after
// giving one of them if she has any; a key or recovery code is shown once; the
// policy is for those who manage the tenant.
package security

import (
	"embed"
	"io/fs"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/identity"
	"strongroom/internal/feature/mfa"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Sessions *identity.Sessions
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// policyPage is where administrators say who needs a second factor.
const policyPage = "/settings/second-factor"

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Warn = warn
	s.Manage(shell.ToPeople, func(*shell.Visit, map[string]int64) []ui.Item {
		return []ui.Item{{Title: "Second factors", Sub: "Who needs one, and for what", Href: policyPage, Icon: "shield-lock"},
			{Title: "Resets of second factors", Sub: "Of who has lost them; two administrators decide", Href: mfa.ResetPage, Icon: "user-shield"},
			{Title: "Dormant accounts", Sub: "Who may sign in, and has not for long", Href: dormantPage, Icon: "clock"},
			{Title: "Addresses", Sub: "From where people are let in", Href: addressPage, Icon: "network"}}
	})
	s.Get(mfa.Own, p.as((*visit).own))
	s.Get(mfa.Own+"/app", p.as((*visit).app))
	s.Post(mfa.Own+"/app", p.as((*visit).addApp))
	s.Get(keyPage, p.as((*visit).key))
	s.Post(keyPage, p.as((*visit).addKey))
	s.Post(keyPage+"/question", p.as((*visit).askNew))
	s.Post(confirmPage+"/question", p.as((*visit).askAgain))
	s.Post(confirmPage+"/passkey", p.as((*visit).confirmedByKey))
	s.Post(mfa.Own+"/codes", p.as((*visit).newCodes))
	s.Post(mfa.Own+"/factors/{id}/remove", p.as((*visit).remove))
	s.Get(mfa.Own+"/confirm", p.as((*visit).confirm))
	s.Post(mfa.Own+"/confirm", p.as((*visit).confirmed))
	s.Get("/users/{id}/factors", shell.Administering(p.as((*visit).factorsOf)))
	s.Post("/users/{id}/factors/reset", shell.Administering(p.as((*visit).askReset)))
	s.Get(mfa.ResetPage, shell.Administering(p.as((*visit).resets)))
	s.Post(mfa.ResetPage+"/{id}/approve", shell.Administering(p.as((*visit).approveReset)))
	s.Post(mfa.ResetPage+"/{id}/refuse", shell.Administering(p.as((*visit).refuseReset)))
	s.Get(dormantPage, shell.Administering(p.as(func(v *visit) error { return v.dormant(nil, nil) })))
	s.Post(dormantPage, shell.Administering(p.as((*visit).saveDormant)))
	s.Get(addressPage, shell.Administering(p.as((*visit).addresses)))
	s.Post(addressPage, shell.Administering(p.as((*visit).saveAddresses)))
	s.Get(policyPage, shell.Administering(p.as((*visit).policy)))
	s.Post(policyPage, shell.Administering(p.as((*visit).savePolicy)))
}

// warn tells who must have a second factor that she has none.
func warn(tx *gate.Tx) (*ui.Notice, error) {
	pol, err := mfa.PolicyOf(tx)
	if err != nil || !pol.Must(tx.Caller) {
		return nil, err
	}
	return &ui.Notice{Tone: "warn", Text: "You need a second factor to see passwords.", Link: "Set one up", Href: mfa.Own}, nil
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

// groups gives the tenant's groups to choose from.
func (v *visit) groups(tx *gate.Tx) ([]*record.Record, error) {
	page, err := v.Records.List(tx, identity.Group, record.Query{Limit: 1000})
	if err != nil {
		return nil, err
	}
	return page.Records, nil
}
