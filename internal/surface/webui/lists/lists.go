// Package lists holds the list of each kind, of the tenant and of each organization,
// with its filters, columns, saved views and export, and the pages of an
// organization, which stand around the lists of what it has.
//
// Always true: a kind needs no code here; a list shows, counts and exports what its
// reader may see and nothing else; what is done to selected records other groups
// give to the shell, and get those that were selected.
package lists

import (
	"embed"
	"io/fs"

	"strongroom/internal/core/id"
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
	s.Own("organization").Page = func(v *shell.Visit, r *record.Record) error { return (&visit{v, p}).orgPage(r) }
	for _, k := range s.Records.Kinds.Kinds() {
		p.mountKind(s, k)
	}
}

// mountKind mounts the lists of a kind. Those of a kind that only administrators
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
	s.Get(at, with(func(v *visit, k *record.Kind) error { return v.list(k, 0) }))
	s.Get(at+"/export", with(func(v *visit, k *record.Kind) error { return v.export(k, 0) }))
	s.Post(at+"/columns", with((*visit).setColumns))
	s.Post(at+"/views", with((*visit).setViews))
	if k.Scope == record.OfOrganization {
		s.Get("/organizations/{id}"+at, with(func(v *visit, k *record.Kind) error { return v.inOrg(k, (*visit).list) }))
		s.Get("/organizations/{id}"+at+"/export", with(func(v *visit, k *record.Kind) error { return v.inOrg(k, (*visit).export) }))
	}
	if !k.Fixed {
		s.Post(at+"/bulk", with((*visit).bulk))
	}
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

// inOrg gives a handler the organization of the address.
func (v *visit) inOrg(k *record.Kind, h func(*visit, *record.Kind, id.ID) error) error {
	org, err := v.ID("id")
	if err != nil {
		return err
	}
	return h(v, k, org)
}
