// Package folders holds the tree of folders of each organization, for documents
// and passwords.
//
// Always true: a folder holds records of one kind and one organization; what
// lies in none is listed too.
package folders

import (
	"embed"
	"io/fs"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
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
	for _, f := range filedKinds() {
		with := func(h func(*visit, filed) error) shell.Handler {
			return p.as(func(v *visit) error { return h(v, f) })
		}
		k := s.Records.Kinds.Kind(f.kind)
		if k == nil {
			continue
		}
		at := "/organizations/{id}/" + k.Plural + "/folders"
		s.Get(at, with((*visit).folders))
		s.Post(at, with((*visit).newFolder))
		s.Post(at+"/move", with((*visit).moveFiled))
		s.Own(f.folder).Page = func(v *shell.Visit, r *record.Record) error {
			return web.SeeOther(v.W, v.R, shell.FoldersURL(r.Org, k, r.ID))
		}
		own := s.Own(f.kind)
		own.Above = append(own.Above, func(_ *shell.Visit, org id.ID) []ui.Action {
			return []ui.Action{{Label: "Folders", Icon: "folder", Href: shell.FoldersURL(org, k, 0)}}
		})
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
