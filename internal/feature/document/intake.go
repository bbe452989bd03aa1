package document

import (
	"context"
	"errors"

	"strongroom/internal/base/richtext"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/document/source"
)

// Intake makes documents of files that were written elsewhere.
//
// A file becomes a document whole, or nothing.
type Intake struct {
	Gate    *gate.Gate
	Records *record.Engine
	Files   *attachment.Store
}

// Place is where a document comes to lie.
type Place struct {
	Org    id.ID
	Folder id.ID // 0 for none
	Draft  bool
}

// Add makes a document, with the caller's rights. missing is how many pictures of
// its text were not in the file, or are none that browsers show.
func (in *Intake) Add(ctx context.Context, c *access.Caller, s *source.Document, at Place) (doc *record.Record, missing int, err error) {
	pictures, missing, err := in.pictures(ctx, c, s, at)
	if err != nil {
		return nil, 0, err
	}
	err = in.Gate.Change(ctx, c, access.Create, gate.Thing{Kind: "document", Org: at.Org}, func(tx *gate.Tx) error {
		doc, err = in.add(tx, s, at, pictures)
		return err
	})
	return doc, missing, err
}

func (in *Intake) add(tx *gate.Tx, s *source.Document, at Place, pictures map[string]*attachment.Content) (*record.Record, error) {
	values := record.Values{"organization_id": at.Org, "name": s.Name, "content": body(s, nil)}
	if at.Folder != 0 {
		values["document_folder_id"] = at.Folder
	}
	doc, err := in.Records.Create(tx, "document", values)
	if err == nil && at.Draft {
		doc, err = Unpublish(tx, in.Records, doc.ID)
	}
	if err != nil || len(pictures) == 0 {
		return doc, err
	}
	addresses := map[string]string{}
	for _, from := range richtext.Images(s.HTML) {
		content := pictures[from]
		if content == nil {
			continue
		}
		f, err := attachment.Attach(tx, doc.ID, attachment.Image, content)
		if err != nil {
			return nil, err
		}
		addresses[from] = ImageURL(f.ID)
	}
	return in.Records.Update(tx, "document", doc.ID, 0, record.Values{"content": body(s, addresses)})
}

// body is the text with the addresses that its pictures have here; others are left
// out.
func body(s *source.Document, addresses map[string]string) string {
	return richtext.Clean(richtext.Rewrite(s.HTML, func(tag, _, v string) string {
		if tag == "img" {
			return addresses[v]
		}
		return v
	}))
}

// pictures writes the pictures of a text, by their addresses in the file. What is
// not used after all is removed within a day.
func (in *Intake) pictures(ctx context.Context, c *access.Caller, s *source.Document, at Place) (map[string]*attachment.Content, int, error) {
	out := map[string]*attachment.Content{}
	missing := 0
	for _, from := range richtext.Images(s.HTML) {
		content, err := in.picture(ctx, c, s, at, from)
		switch {
		case errors.Is(err, source.ErrNoPicture) || err == nil && !attachment.Viewable(content.Type):
			missing++
		case err != nil:
			return nil, 0, err
		default:
			out[from] = content
		}
	}
	return out, missing, nil
}

func (in *Intake) picture(ctx context.Context, c *access.Caller, s *source.Document, at Place, from string) (*attachment.Content, error) {
	name, content, err := s.Picture(from)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return in.Files.WriteFor(ctx, c, access.Create, gate.Thing{Kind: "document", Org: at.Org}, name, content)
}
