package document

import (
	"html"
	"strconv"
	"strings"

	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
)

// Sections lists the sections of a document in their order.
func Sections(tx *gate.Tx, e *record.Engine, doc id.ID) ([]*record.Record, error) {
	p, err := e.List(tx, "document_section", record.Query{Limit: 10000, NoTotal: true,
		Filters: []record.Filter{{Field: "document_id", Op: record.Eq, Values: []any{doc}}}, Sort: []record.Order{{Field: "sort"}, {Field: "id"}}})
	if err != nil {
		return nil, err
	}
	return p.Records, nil
}

// Body gives the HTML that a reader sees: the document's own body, then its
// sections.
func Body(tx *gate.Tx, e *record.Engine, doc *record.Record) (string, error) {
	list, err := Sections(tx, e, doc.ID)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(doc.Values.Text("content"))
	step := 0
	for _, s := range list {
		if s.Values.Text("resource_type") == Step {
			if s.Values.Bool("reset_count") {
				step = 0
			}
			step++
		}
		part, err := Rendered(tx, s, step)
		if err != nil {
			return "", err
		}
		b.WriteString(part)
	}
	return b.String(), nil
}

// Rendered gives one section as HTML. step is the number of a Step among the
// steps before it; 0 leaves the number out.
func Rendered(tx *gate.Tx, s *record.Record, step int) (string, error) {
	content := s.Values.Text("content")
	switch s.Values.Text("resource_type") {
	case Heading:
		level, _ := s.Values["level"].(int64)
		n := strconv.FormatInt(min(max(level, 1), 6), 10)
		return "<h" + n + ">" + inline(content) + "</h" + n + ">", nil
	case Gallery:
		return gallery(tx, s)
	case Step:
		head := ""
		if step > 0 {
			head = "Step " + strconv.Itoa(step)
		}
		if d, ok := s.Values["duration"].(int64); ok && d > 0 {
			head = strings.TrimPrefix(head+", about "+strconv.FormatInt(d, 10)+" min", ", ")
		}
		if head != "" {
			content = "<p><strong>" + head + "</strong></p>" + content
		}
		return content, nil
	}
	return content, nil
}

// inline takes a heading's text out of the paragraph that an editor puts around
// it.
func inline(s string) string {
	s = strings.TrimSpace(s)
	if in, ok := strings.CutPrefix(s, "<p>"); ok && strings.Count(s, "<p>") == 1 {
		return strings.TrimSuffix(in, "</p>")
	}
	return s
}

func gallery(tx *gate.Tx, s *record.Record) (string, error) {
	images, err := attachment.List(tx, s.ID, attachment.Image)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(s.Values.Text("content"))
	for _, f := range images {
		b.WriteString(`<p><img src="` + ImageURL(f.ID) + `" alt="` + html.EscapeString(f.Name) + `"></p>`)
	}
	return b.String(), nil
}

// ImageURL is the address under which documents name an image of theirs.
func ImageURL(image id.ID) string { return "/documents/images/" + image.String() }

// Images lists the images of a document or of one of its galleries.
func Images(tx *gate.Tx, of id.ID) ([]*attachment.File, error) {
	return attachment.List(tx, of, attachment.Image)
}

// Publish marks a document as published. The transaction's caller must be
// allowed to change it.
func Publish(tx *gate.Tx, e *record.Engine, doc id.ID) (*record.Record, error) {
	return setPublished(tx, e, doc, true)
}

// Unpublish makes a draft of a published document. The transaction's caller must
// be allowed to change it.
func Unpublish(tx *gate.Tx, e *record.Engine, doc id.ID) (*record.Record, error) {
	return setPublished(tx, e, doc, false)
}

func setPublished(tx *gate.Tx, e *record.Engine, doc id.ID, on bool) (*record.Record, error) {
	if _, err := tx.Allow(access.Edit, gate.Thing{Kind: "document", ID: doc}); err != nil {
		return nil, err
	}
	return e.Inside().Update(tx, "document", doc, 0, record.Values{"published": on})
}
