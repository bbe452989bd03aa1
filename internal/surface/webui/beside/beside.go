// Package beside holds what belongs to a record of any kind and stands beside it:
// related items, files, who may see it.
//
// Always true: a file is shown in place only when it is a picture that browsers
// draw; everything else is a download in which nothing runs.
package beside

import (
	"embed"
	"io/fs"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/relation"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Attachments *attachment.Store
	Relations   *relation.Relations
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	s.Rail(shell.RailPart{Draw: p.part((*visit).relatedSection)})
	s.Rail(shell.RailPart{Draw: p.part((*visit).accessSection), OrgToo: true})
	s.Files(func(v *shell.Visit, tx *gate.Tx, r *record.Record) (*shell.FilesCard, error) {
		return (&visit{v, p}).filesSection(tx, r)
	})

	// Related items of a record are at /related/RECORD: the list, a form to add
	// one and, for each that somebody made, its note and its removal.
	s.Get("/related/{id}", p.as((*visit).related))
	s.Post("/related/{id}", p.as((*visit).relate))
	s.Post("/related/{id}/{relation}/notes", p.as((*visit).relationNotes))
	s.Post("/related/{id}/{relation}/remove", p.as((*visit).unrelate))

	// Who may see a record is changed at /access/RECORD.
	s.Get("/access/{id}", p.as((*visit).access))
	s.Post("/access/{id}", p.as((*visit).setAccess))

	// Files of a record are uploaded to /attach/RECORD; each has a page at
	// /files/FILE and its content at /files/FILE/content.
	s.Post("/attach/{id}", p.as((*visit).attach), web.MaxBody(uploads(p.Attachments)), web.Within(0))
	s.Get("/files/{id}", p.as((*visit).file))
	s.Post("/files/{id}", p.as((*visit).renameFile))
	s.Post("/files/{id}/remove", p.as((*visit).removeFile))
	s.Get("/files/{id}/content", p.as((*visit).fileContent), web.Within(0))
}

func (p *Pages) part(draw func(*visit, *gate.Tx, *record.Record) (*ui.Section, error)) func(*shell.Visit, *gate.Tx, *record.Record) (*ui.Section, error) {
	return func(v *shell.Visit, tx *gate.Tx, r *record.Record) (*ui.Section, error) {
		return draw(&visit{v, p}, tx, r)
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
