package runbook

import (
	"context"
	"html"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/paper"
	"strongroom/internal/base/richtext"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// mostText bounds the text of a runbook, in bytes of HTML.
const mostText = 64 << 20

// chunk is how many records are read at once.
const chunk = 200

// writer fills one book.
type writer struct {
	s     *Runbooks
	ctx   context.Context //nolint:containedctx // a writer lives for one call
	c     *access.Caller
	b     *Runbook
	book  *paper.Book
	bytes int
	count int64  // records
	under string // the organization and the title that the last record stands under
}

// write makes the PDF and gives how many pages it has.
func (s *Runbooks) write(ctx context.Context, c *access.Caller, b *Runbook, out io.Writer, tell func(done, total int64, what string)) (int, error) {
	w := &writer{s: s, ctx: ctx, c: c, b: b, book: &paper.Book{Title: b.Name, Author: c.Name, Size: b.Size, Cover: true, Contents: 2, Base: b.Base,
		Image: s.Pictures(c)}}
	orgs, err := w.begin()
	if err != nil {
		return 0, err
	}
	level := 1
	if b.Org == 0 {
		level = 2
		w.book.Contents = 3
	}
	total := int64(len(orgs) * len(b.Parts))
	for i, org := range orgs {
		before := w.count
		for j, p := range b.Parts {
			tell(int64(i*len(b.Parts)+j), total, org.Name)
			if err := w.part(org, p, level, b.Org == 0 && w.count == before); err != nil {
				return 0, err
			}
		}
	}
	if w.count == 0 {
		w.html(0, "<p>There is nothing in the chosen parts that the owner of this runbook sees.</p>")
	}
	tell(total, total, "pages")
	notes, err := w.book.Write(ctx, out)
	if err != nil {
		return 0, err
	}
	return notes.Pages, nil
}

// view reads one part. It is looked again whether the owner still may do this.
func (w *writer) view(fn func(tx *gate.Tx) error) error {
	return w.s.Gate.View(w.ctx, w.c, func(tx *gate.Tx) error {
		if err := tx.Renew(); err != nil {
			return err
		}
		w.c = tx.Caller
		if _, err := tx.Allow(access.Export, thingOf(w.b.Org)); err != nil {
			return err
		}
		return fn(tx)
	})
}

// begin finds the organizations, and says on the cover what this is.
func (w *writer) begin() ([]*record.Record, error) {
	var orgs []*record.Record
	err := w.view(func(tx *gate.Tx) error {
		w.book.Owner, w.book.Made = tx.Tenant.Title(), time.UnixMilli(tx.Now).UTC()
		if w.b.Org != 0 {
			r, err := w.s.Records.Get(tx, "organization", w.b.Org)
			orgs = []*record.Record{r}
			return err
		}
		return w.all(tx, "organization", record.Query{Archived: w.archived()}, func(r *record.Record) error {
			orgs = append(orgs, r)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	about := "All organizations that " + w.c.Name + " sees"
	if w.b.Org != 0 {
		about = orgs[0].Name
	}
	w.book.Lines = []string{w.book.Owner, about, "Made " + w.book.Made.Format("2006-01-02 15:04 MST") + " with the rights of " + w.c.Name, "Without passwords and other secret values"}
	return orgs, nil
}

func (w *writer) archived() string {
	if w.b.Archived {
		return ""
	}
	return "no"
}

// all calls f with every record that a query finds.
func (w *writer) all(tx *gate.Tx, kind string, q record.Query, f func(*record.Record) error) error {
	q.Limit, q.NoTotal = chunk, true
	q.Sort = []record.Order{{Field: "name"}, {Field: "id"}}
	for {
		p, err := w.s.Records.List(tx, kind, q)
		if err != nil {
			return err
		}
		for _, r := range p.Records {
			if err := f(r); err != nil {
				return err
			}
		}
		if len(p.Records) < chunk {
			return nil
		}
		q.Offset += chunk
	}
}

func (w *writer) html(level int, s string) {
	w.bytes += len(s)
	w.book.HTML(level, s)
}

// part writes the records of one part, below the name of the organization when
// they are the first of several organizations.
func (w *writer) part(org *record.Record, p Part, level int, naming bool) error {
	return w.view(func(tx *gate.Tx) error {
		k := w.s.Records.Kinds.Kind(p.Kind)
		if k == nil { // of a version before
			return nil
		}
		title := k.Labels
		q := record.Query{Org: org.ID, Archived: w.archived()}
		switch {
		case p.Of == 0:
		case k.Variants != nil:
			shape, err := w.s.Records.Shape(tx, k.Name, p.Of)
			if fault.Is(err, fault.NotFound) {
				return nil // the type is gone
			}
			if err != nil {
				return err
			}
			q.Variant, title = p.Of, shape.Labels
		case k.Name == "document":
			folders, name, err := w.folders(tx, org.ID, p.Of)
			if err != nil {
				return err
			}
			q.Filters = []record.Filter{{Field: "id", Op: record.Eq, Values: []any{p.Of}}}
			if len(folders) > 0 {
				q.Filters, title = []record.Filter{{Field: "document_folder_id", Op: record.Eq, Values: folders}}, title+": "+name
			}
		}
		return w.all(tx, k.Name, q, func(r *record.Record) error {
			if k.Name == "document" && r.Values.Bool("template") || r.Org != org.ID {
				return nil
			}
			if naming {
				w.book.Heading(1, org.Name, "/organizations/"+org.ID.String())
			}
			if here := org.ID.String() + title; w.under != here { // documents that were chosen one by one follow each other
				w.book.Heading(level, title, "")
				w.under = here
			}
			naming = false
			w.count++
			if w.bytes > mostText {
				return fault.New(fault.Invalid, "This runbook has too much text for one PDF.").WithHint("Choose fewer parts, or make several runbooks.")
			}
			return w.record(tx, r, level+1)
		})
	})
}

// folders gives a folder of an organization with all below it, and its name;
// none when the caller does not see it there.
func (w *writer) folders(tx *gate.Tx, org, folder id.ID) (ids []any, name string, err error) {
	below := map[id.ID][]id.ID{}
	err = w.all(tx, "document_folder", record.Query{Org: org}, func(r *record.Record) error {
		if r.ID == folder {
			name = r.Name
		}
		below[r.Values.ID("parent_id")] = append(below[r.Values.ID("parent_id")], r.ID)
		return nil
	})
	if err != nil || name == "" {
		return nil, "", err
	}
	met := map[id.ID]bool{}
	for todo := []id.ID{folder}; len(todo) > 0; todo = todo[1:] {
		if !met[todo[0]] {
			met[todo[0]] = true
			ids = append(ids, todo[0])
			todo = append(todo, below[todo[0]]...)
		}
	}
	return ids, name, nil
}

func address(k *record.Kind, r id.ID) string { return "/" + k.Plural + "/" + r.String() }

// record writes one record: its fields as a table, long texts below it, then
// what is part of it and what it is related to.
func (w *writer) record(tx *gate.Tx, r *record.Record, level int) error {
	name := r.Name
	if r.Archived {
		name += " (archived)"
	}
	if r.Kind.Name == "document" && !r.Values.Bool("published") {
		name += " (draft)"
	}
	w.book.Heading(level, name, address(r.Kind, r.ID))
	if r.Kind.Name == "document" {
		body, err := w.s.Body(tx, w.s.Records, r)
		if err != nil {
			return err
		}
		w.html(level, body)
	} else {
		w.html(level, w.fields(r))
	}
	for _, k := range w.s.Records.Kinds.Kinds() {
		if k.Name == "document_section" || k.ParentBy(r.Kind.Name) == nil {
			continue
		}
		s, err := w.parts(tx, k, r)
		if err != nil {
			return err
		}
		w.html(level, s)
	}
	if !w.b.Related || w.s.Relations == nil {
		return nil
	}
	list, err := w.s.Relations.List(tx, r.ID)
	if err != nil || len(list) == 0 {
		return err
	}
	var out strings.Builder
	out.WriteString("<p><strong>Related</strong></p><ul>")
	for _, it := range list {
		k := w.s.Records.Kinds.Kind(it.Kind)
		if k == nil {
			continue
		}
		out.WriteString(`<li><a href="` + address(k, it.Record) + `">` + html.EscapeString(it.Name) + "</a> (" + html.EscapeString(k.Label) + ")")
		if it.Notes != "" {
			out.WriteString(": " + html.EscapeString(it.Notes))
		}
		out.WriteString("</li>")
	}
	w.html(level, out.String()+"</ul>")
	return nil
}

// printed tells whether a field of a kind stands on paper. Of a password, only
// what tells whose and what for it is: notes of people hold secrets that they
// should not.
func printed(k *record.Kind, f *record.Field) bool {
	switch {
	case f.Type == record.Secret || f.Type == record.Files || f.Own || f.Name == "name" || k.NamesParent(f.Name):
		return false
	case f.Trait == 0 && (f.Class == record.Unclassified || f.Type == record.Integer && strings.HasSuffix(f.Name, "_id")):
		return false
	case k.Name == "password":
		return slices.Contains([]string{"username", "url", "password_category_id", "password_folder_id"}, f.Name)
	case k.Variants != nil && f.Name == k.Variants.By:
		return false
	case f.ReadOnly && f.Type == record.Text: // follows from what is printed
		return false
	}
	return true
}

func (w *writer) fields(r *record.Record) string {
	var rows, below strings.Builder
	for i := range r.Kind.Fields {
		f := &r.Kind.Fields[i]
		if !printed(r.Kind, f) {
			continue
		}
		v := w.value(r, f)
		if v == "" {
			continue
		}
		title := html.EscapeString(f.Title())
		if f.Type == record.HTML {
			below.WriteString("<p><strong>" + title + "</strong></p>" + v)
			continue
		}
		rows.WriteString("<tr><th>" + title + "</th><td>" + v + "</td></tr>")
	}
	if rows.Len() == 0 {
		return below.String()
	}
	return "<table><tbody>" + rows.String() + "</tbody></table>" + below.String()
}

// parts writes what is part of a record as a table of the columns of its list.
func (w *writer) parts(tx *gate.Tx, k *record.Kind, of *record.Record) (string, error) {
	var columns []*record.Field
	head := ""
	for i := range k.Fields {
		if f := &k.Fields[i]; f.List && (f.Name == "name" || printed(k, f)) {
			columns = append(columns, f)
			head += "<th>" + html.EscapeString(f.Title()) + "</th>"
		}
	}
	var rows strings.Builder
	q := record.Query{Parent: of.ID, Archived: w.archived(), Limit: 10_000, NoTotal: true}
	if f := k.Field("sort"); f != nil && f.Sort {
		q.Sort = []record.Order{{Field: "sort"}, {Field: "id"}}
	}
	p, err := w.s.Records.List(tx, k.Name, q)
	if err != nil || len(p.Records) == 0 || len(columns) == 0 {
		return "", err
	}
	for _, r := range p.Records {
		rows.WriteString("<tr>")
		for _, f := range columns {
			rows.WriteString("<td>" + w.value(r, f) + "</td>")
		}
		rows.WriteString("</tr>")
	}
	return "<p><strong>" + html.EscapeString(k.Labels) + "</strong></p><table><thead><tr>" + head + "</tr></thead><tbody>" + rows.String() + "</tbody></table>", nil
}

// value gives a field of a record as HTML; empty when there is nothing to say.
func (w *writer) value(r *record.Record, f *record.Field) string {
	switch f.Type {
	case record.Ref:
		return w.link(f.Ref, r.Values.ID(f.Name), r.Names[f.Name])
	case record.Refs:
		var out []string
		for _, n := range r.Values.IDs(f.Name) {
			if l, ok := r.Links[n]; ok {
				out = append(out, w.link(l.Kind, n, l.Name))
			}
		}
		return strings.Join(out, ", ")
	case record.HTML:
		return r.Values.Text(f.Name)
	case record.Rows:
		return rowsOf(f, r.Values.Rows(f.Name))
	case record.Integer:
		n, ok := r.Values[f.Name].(int64)
		if all, _ := r.Values[f.Of].(int64); ok && all > 0 {
			return strconv.FormatInt(n, 10) + " of " + strconv.FormatInt(all, 10)
		}
	}
	return plain(f, r.Values[f.Name])
}

func (w *writer) link(kind string, n id.ID, name string) string {
	k := w.s.Records.Kinds.Kind(kind)
	if name == "" || k == nil || k.Scope == record.OfTenant {
		return html.EscapeString(name)
	}
	return `<a href="` + address(k, n) + `">` + html.EscapeString(name) + "</a>"
}

// plain gives a value that refers to nothing.
func plain(f *record.Field, v any) string {
	switch v := v.(type) {
	case string:
		switch {
		case f.Type == record.Multiline:
			return richtext.FromText(v)
		case f.Format == record.URL && web(v):
			return `<a href="` + html.EscapeString(v) + `">` + html.EscapeString(v) + "</a>"
		case v != "" && (f.Format == record.Mono || f.Format == record.IP || f.Format == record.MAC):
			return "<code>" + html.EscapeString(v) + "</code>"
		}
		return html.EscapeString(v)
	case bool:
		if v {
			return "Yes"
		}
	case int64:
		if f.Type == record.Time {
			return time.UnixMilli(v).UTC().Format("2006-01-02 15:04 MST")
		}
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

func web(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// rowsOf gives the lines of a field as a list: what is in a line, and by its name
// what is ticked.
func rowsOf(f *record.Field, rows []map[string]any) string {
	var out strings.Builder
	for _, row := range rows {
		var cells []string
		for i := range f.Rows {
			c := &f.Rows[i]
			if c.Type == record.Secret || c.ReadOnly {
				continue
			}
			v := row[c.Name]
			if written := row["formatted_"+c.Name]; written != nil && written != "" {
				v = written // as people write it
			}
			text := plain(c, v)
			if c.Type == record.Bool && text != "" {
				text = html.EscapeString(strings.ToLower(c.Title()))
			}
			if text != "" {
				cells = append(cells, text)
			}
		}
		if len(cells) > 0 {
			out.WriteString("<p>" + strings.Join(cells, ", ") + "</p>")
		}
	}
	return out.String()
}
