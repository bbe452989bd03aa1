package documents

import (
	"fmt"
	"html/template"
	"io"
	"path"
	"strings"
	"time"

	"strongroom/internal/base/archive"
	"strongroom/internal/base/markdown"
	"strongroom/internal/base/paper"
	"strongroom/internal/base/richtext"
	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/attachment"
	"strongroom/internal/feature/crossref"
	"strongroom/internal/feature/document"
	"strongroom/internal/surface/webui/shell"
)

// downloads offers a document as a file.
func downloads(r *record.Record) *ui.Section {
	at := shell.RecordURL(r.Kind, r.ID) + "/as/"
	return &ui.Section{Title: "Take along", Icon: "download", Items: []ui.Item{
		{Title: "Markdown", Icon: "file-text", Href: at + "markdown"},
		{Title: "HTML", Icon: "code", Href: at + "html"},
		{Title: "PDF", Icon: "printer", Href: at + "pdf"},
	}}
}

// page is an HTML document on its own.
var page = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{.Title}}</title>
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}img{max-width:100%}table{border-collapse:collapse}td,th{border:1px solid #999;padding:.3rem .6rem;text-align:left}pre{overflow:auto;background:#f4f4f4;padding:.8rem}</style>
</head><body><h1>{{.Title}}</h1>
{{.Body}}
</body></html>
`))

// file is a document on its way into one.
type file struct {
	name   string
	text   string
	ending string
	images []*attachment.File
}

// download answers with a document as PDF, Markdown or HTML; the latter two with
// their pictures, when there are some, as a zip.
func (v *visit) download() error {
	rid, err := v.ID("id")
	if err != nil {
		return err
	}
	format := v.R.PathValue("format")
	if format != "markdown" && format != "html" && format != "pdf" {
		return gate.Missing()
	}
	var p *file
	var b *paper.Book
	err = v.Change(access.View, gate.Thing{Kind: "document", ID: rid}, func(tx *gate.Tx) error {
		r, err := v.Records.Get(tx, "document", rid)
		if err != nil {
			return err
		}
		tx.Also(&audit.Entry{Action: "document.download", Kind: r.Kind.Name, Object: r.ID, Org: r.Org, Version: r.Version, Detail: audit.Detail{Name: r.Name, Text: "as " + format}})
		if format == "pdf" {
			b, err = v.book(tx, r)
			return err
		}
		p, err = v.file(tx, r, format)
		return err
	})
	if err != nil {
		return err
	}
	if b != nil {
		return v.print(b)
	}
	name := attachment.CleanName(p.name + p.ending)
	if len(p.images) == 0 {
		v.W.Header().Set("Content-Type", "application/octet-stream")
		v.W.Header().Set("Content-Disposition", shell.Disposition("attachment", name))
		web.NoStore(v.W)
		_, err := io.WriteString(v.W, p.text)
		return err
	}
	v.W.Header().Set("Content-Type", "application/zip")
	v.W.Header().Set("Content-Disposition", shell.Disposition("attachment", attachment.CleanName(p.name+".zip")))
	web.NoStore(v.W)
	web.NoCompress(v.W)
	return v.zip(p, name)
}

// file writes a document's text, with links that lead here from anywhere and
// pictures in a folder beside it.
func (v *visit) file(tx *gate.Tx, r *record.Record, format string) (*file, error) {
	body, err := document.Body(tx, v.Records, r)
	if err == nil {
		body, err = crossref.Plain(tx, v.Records, body)
	}
	if err != nil {
		return nil, err
	}
	p := &file{name: r.Name}
	places := map[string]string{}
	body = richtext.Rewrite(richtext.Clean(body), func(tag, _, at string) string {
		if tag == "a" && strings.HasPrefix(at, "/") {
			return v.here() + at
		}
		image, ok := strings.CutPrefix(at, "/documents/images/")
		n, isID := id.Parse(image)
		if tag != "img" || !ok || !isID {
			return at
		}
		if places[at] == "" {
			f, err := attachment.Get(tx, n)
			if err != nil { // gone, or of a document that the reader may not see
				return ""
			}
			p.images = append(p.images, f)
			places[at] = fmt.Sprintf("images/%d%s", len(p.images), strings.ToLower(path.Ext(f.Name)))
		}
		return places[at]
	})
	if format == "html" {
		var b strings.Builder
		p.ending = ".html"
		err = page.Execute(&b, struct {
			Title string
			Body  template.HTML
		}{r.Name, template.HTML(body)}) // #nosec G203 -- cleaned above; only addresses were written
		p.text = b.String()
		return p, err
	}
	p.ending = ".md"
	text, err := markdown.Of(body, func(at string) string { return at })
	p.text = "# " + strings.Join(strings.Fields(r.Name), " ") + "\n\n" + text
	return p, err
}

// here is the address of this server, as the reader knows it.
func (v *visit) here() string {
	if web.Secure(v.R) {
		return "https://" + v.R.Host
	}
	return "http://" + v.R.Host
}

// zip writes the text and its pictures. A failure in the middle breaks the
// download off, so that nobody takes a part for the whole.
func (v *visit) zip(p *file, name string) error {
	z := archive.Create(v.W, "")
	w, err := z.Add(name, v.Now())
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, p.text); err != nil {
		return err
	}
	for i, f := range p.images {
		if err := v.zipImage(z, f, fmt.Sprintf("images/%d%s", i+1, strings.ToLower(path.Ext(f.Name)))); err != nil {
			return err
		}
	}
	return z.Close()
}

func (v *visit) zipImage(z *archive.Writer, f *attachment.File, name string) error {
	_, content, err := v.Attachments.Open(v.R.Context(), v.Caller, f.ID)
	if err != nil {
		return err
	}
	defer content.Close()
	w, err := z.Add(name, time.UnixMilli(f.Created))
	if err != nil {
		return err
	}
	_, err = io.Copy(w, content)
	return err
}
