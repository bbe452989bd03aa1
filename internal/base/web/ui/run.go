package ui

import (
	"html/template"
	"strings"
)

// Run is a piece of a row: cells that are written already, then one that the
// templates write, if any.
type Run struct {
	HTML  template.HTML
	Cell  *Cell  // nil at the end of a row
	Class string // of its column
}

// Runs gives a row's cells for a table with these classes of columns. Most
// cells of a list are a word or a link: these are written here, because a list
// has hundreds of them and a template takes fifty times as long for each.
func (r Row) Runs(classes []string) []Run {
	var out []Run
	var b strings.Builder
	for i := range r.Cells {
		c := &r.Cells[i]
		if !c.quick() {
			out = append(out, Run{template.HTML(b.String()), c, classes[i]}) // #nosec G203 -- escaped by write
			b.Reset()
			continue
		}
		b.WriteString(`<td class="` + template.HTMLEscapeString(classes[i]) + `">`)
		c.write(&b)
		b.WriteString(`</td>`)
	}
	return append(out, Run{HTML: template.HTML(b.String())}) // #nosec G203 -- escaped by write
}

// quick tells whether write can write the cell: one without an icon, whose link
// is an address of our own.
func (c *Cell) quick() bool {
	if c.Icon != "" || c.Href != "" && !own(c.Href) {
		return false
	}
	switch c.Type {
	case "link", "status", "pill":
		return true
	}
	return c.Plain()
}

// own tells whether an address is a path of this site, of letters that mean the
// same inside of an attribute.
func own(href string) bool {
	if !strings.HasPrefix(href, "/") || strings.HasPrefix(href, "//") {
		return false
	}
	for i := range len(href) {
		switch b := href[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', strings.IndexByte("/-_.~?=&", b) >= 0:
		default:
			return false
		}
	}
	return true
}

// write writes what the template "cell" does.
func (c *Cell) write(b *strings.Builder) {
	text := template.HTMLEscapeString(c.Text)
	href := strings.ReplaceAll(c.Href, "&", "&amp;")
	switch {
	case c.Type == "link":
		b.WriteString(`<a class="rowlink" href="` + href + `"><span>` + text + `</span></a>`)
	case c.Type == "status":
		b.WriteString(`<span class="st ` + template.HTMLEscapeString(c.Tone) + `"><i aria-hidden="true"></i>` + text + `</span>`)
	case c.Type == "pill":
		b.WriteString(`<span class="pill ` + template.HTMLEscapeString(c.Tone) + `">` + text + `</span>`)
	case c.Href != "":
		b.WriteString(`<a href="` + href + `">` + text + `</a>`)
	case c.Text == "":
		b.WriteString(`<span class="mut">—</span>`)
	case c.Type != "":
		b.WriteString(`<span class="` + template.HTMLEscapeString(c.Type) + `">` + text + `</span>`)
	default:
		b.WriteString(`<span>` + text + `</span>`)
	}
	if c.Sub != "" && (c.Type == "link" || c.Plain()) {
		b.WriteString(` <small>` + template.HTMLEscapeString(c.Sub) + `</small>`)
	}
	if c.Copy && c.Text != "" {
		b.WriteString(`<sr-copy value="` + text + `" label="Copy ` + text + `"></sr-copy>`)
	}
}
