// Package documents holds the page on which a document is read, its sections and
// the images in it. Forms are those of every record.
//
// Always true: the HTML of a document is cleaned each time it is shown, and its
// images are never SVG, which could run.
package documents

import (
	"embed"
	"io/fs"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/document"
	"strongroom/internal/surface/webui/shell"
)

//go:embed pages
var templates embed.FS

// Pages are the pages of this group with what they need beside the shell.
type Pages struct {
	Attachments *attachment.Store
	Intake      *document.Intake
}

// Templates gives the group's templates.
func (p *Pages) Templates() fs.FS { return templates }

// Mount gives the shell the pages, and what they offer to others.
func (p *Pages) Mount(s *shell.Shell) {
	own := s.Own("document")
	own.Page = func(v *shell.Visit, r *record.Record) error { return (&visit{v, p}).documentPage(r) }
	own.Form = func(v *shell.Visit, f *ui.Form, r *record.Record) error { return (&visit{v, p}).documentForm(f, r) }
	own.Above = append(own.Above, fromFiles, fromTemplates)
	section := s.Own("document_section")
	section.Page = func(v *shell.Visit, r *record.Record) error { return web.SeeOther(v.W, v.R, v.HomeOf(r)) }
	section.Form = func(v *shell.Visit, f *ui.Form, r *record.Record) error { return (&visit{v, p}).sectionForm(f, r) }
	// The address of an image is /documents/images/IMAGE. It is mounted like this
	// because /documents/{id}/edit is another route.
	s.Get("/documents/{id}/{image}", p.as((*visit).image), web.Within(0))
	s.Post("/documents/{id}/images", p.as((*visit).addImage), web.MaxBody(mostImage+1<<20), web.Within(0))
	s.Post("/documents/{id}/publish", p.as(func(v *visit) error { return v.publish(document.Publish, "is published") }))
	s.Post("/documents/{id}/draft", p.as(func(v *visit) error { return v.publish(document.Unpublish, "is a draft again") }))
	s.Post("/documents/{id}/reviewed", p.as(func(v *visit) error { return v.publish(document.Reviewed, "was reviewed") }))
	s.Get("/organizations/{id}/documents/templates", p.as((*visit).templates))
	s.Get("/documents/{id}/as/{format}", p.as((*visit).download), web.Within(0))
	s.Get("/organizations/{id}/documents/files", p.as((*visit).chooseFiles))
	s.Post("/organizations/{id}/documents/files", p.as((*visit).takeFiles), web.MaxBody(mostUpload), web.Within(0))
	s.Post("/document_sections/{id}/images", p.as((*visit).addGalleryImages), web.MaxBody(4*mostImage), web.Within(0))
	s.Post("/document_sections/{id}/move", p.as((*visit).moveSection))
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
