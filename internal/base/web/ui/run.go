package ui

import (
	"html/template"
	"strings"

	"strongroom/internal/base/web"
)

// Run is a piece of a table's body: rows that are written already, then a cell
// that the templates write, if any.
type Run struct {
	HTML  template.HTML
	Cell  *Cell  // nil at the end
	Class string // of its column
}

// Runs gives the body of the table. Most cells of a list are a word, a link or a
// time: these are written here, because a list has hundreds of them and a
// template takes fifty times as long for each.
func (t Table) Runs(p *web.Pen) []Run {
	classes := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		classes[i] = c.Class()
	}
	var out []Run
	b := make([]byte, 0, 64+len(t.Rows)*(160+len(classes)*96))
	for i := range t.Rows {
		b = t.Rows[i].begin(b, len(t.Bulk) > 0)
		for j := range t.Rows[i].Cells {
			c := &t.Rows[i].Cells[j]
			if !c.Quick() {
				out = append(out, Run{template.HTML(b), c, classes[j]}) // #nosec G203 -- escaped by write
				b = b[:0]
				continue
			}
			b = append(append(append(b, `<td class="`...), classes[j]...), `">`...)
			b = c.write(b, p)
			if j == 0 {
				b = t.Rows[i].marks(b, p)
			}
			b = append(b, `</td>`...)
		}
		b = append(b, "</tr>\n"...)
	}
	return append(out, Run{HTML: template.HTML(b)}) // #nosec G203 -- escaped by write
}

// begin writes the beginning of a row, with the box that selects it.
func (r *Row) begin(b []byte, boxes bool) []byte {
	b = append(b, `<tr`...)
	if r.Muted {
		b = append(b, ` class="muted"`...)
	}
	b = append(b, '>')
	if boxes {
		b = append(append(b, `<td class="ck"><input type="checkbox" name="id" value="`...), escape(r.ID)...)
		b = append(append(append(b, `" aria-label="Select `...), escape(r.Name)...), `"></td>`...)
	}
	return b
}

// marks writes what stands behind the first cell.
func (r *Row) marks(b []byte, p *web.Pen) []byte {
	for _, m := range r.Marks {
		c := Cell{Type: "pill", Text: m.Text, Tone: m.Tone, Icon: "flag"}
		b = c.body(append(b, ' '), p)
	}
	return b
}

// Choices writes the options of a select that has no groups.
func (f Field) Choices() template.HTML {
	b := make([]byte, 0, 64*len(f.Options))
	for i := range f.Options {
		o := &f.Options[i]
		b = append(append(append(b, `<option value="`...), escape(o.Value)...), '"')
		if o.Selected {
			b = append(b, ` selected`...)
		}
		b = append(append(append(b, '>'), escape(o.Label)...), `</option>`...)
	}
	return template.HTML(b) // #nosec G203 -- escaped above
}

// escape is what html/template makes of a text, inside of elements and of quoted
// attributes alike.
func escape(s string) string {
	return strings.ReplaceAll(template.HTMLEscapeString(s), "+", "&#43;")
}

// Quick tells whether Write can write the cell: one whose link leads to an
// address of letters that mean the same everywhere.
func (c Cell) Quick() bool {
	switch c.Type {
	case "prio", "datetime", "bytes", "user", "html", "meter":
		return false
	case "url":
		site, https := strings.CutPrefix(c.Href, "https:/")
		return https && own(site)
	}
	address, mail := strings.CutPrefix(c.Href, "mailto:")
	return c.Href == "" || own(c.Href) || mail && own("/"+address)
}

// own tells whether an address is a path of this site, of letters that mean the
// same inside of an attribute.
func own(href string) bool {
	if !strings.HasPrefix(href, "/") || strings.HasPrefix(href, "//") {
		return false
	}
	for i := range len(href) {
		switch b := href[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', strings.IndexByte("/-_.~?=&@", b) >= 0:
		default:
			return false
		}
	}
	return true
}

// Write gives what the template "cell" does, of a cell that is Quick.
func (c Cell) Write(p *web.Pen) template.HTML {
	return template.HTML(c.write(nil, p)) // #nosec G203 -- escaped by write
}

func (c *Cell) write(b []byte, p *web.Pen) []byte {
	b = c.body(b, p)
	if c.Sub != "" && (c.Type == "link" || c.Plain()) {
		b = append(append(append(b, ` <small>`...), escape(c.Sub)...), `</small>`...)
	}
	if c.Copy && c.Text != "" {
		text := escape(c.Text)
		b = append(append(append(append(append(b, `<sr-copy value="`...), text...), `" label="Copy `...), text...), `"></sr-copy>`...)
	}
	return b
}

func (c *Cell) body(b []byte, p *web.Pen) []byte {
	icon := func(b []byte, after string) []byte {
		if c.Icon == "" {
			return b
		}
		return append(p.Icon(b, c.Icon), after...)
	}
	switch c.Type {
	case "link":
		b = icon(append(append(append(b, `<a class="rowlink" href="`...), escape(c.Href)...), `">`...), "")
		return append(append(append(b, `<span>`...), escape(c.Text)...), `</span></a>`...)
	case "status":
		b = append(append(append(b, `<span class="st `...), escape(c.Tone)...), `"><i aria-hidden="true"></i>`...)
		return append(append(b, escape(c.Text)...), `</span>`...)
	case "pill":
		b = icon(append(append(append(b, `<span class="pill `...), escape(c.Tone)...), `">`...), "")
		return append(append(b, escape(c.Text)...), `</span>`...)
	case "ago":
		return append(p.Ago(append(b, `<span class="mut">`...), c.Time), `</span>`...)
	case "date":
		return p.Date(b, c.Time)
	case "num":
		if c.Text == "" {
			return append(b, itoa(int(c.Number))...)
		}
		return append(b, escape(c.Text)...)
	case "bool":
		if c.Number == 0 {
			return append(b, `<span class="mut">No</span>`...)
		}
		return append(p.Icon(append(b, `<span class="yes">`...), "check"), `Yes</span>`...)
	case "url":
		b = append(append(append(b, `<a class="ext" href="`...), escape(c.Href)...), `" target="_blank" rel="noopener noreferrer">`...)
		return append(p.Icon(append(append(b, escape(c.Text)...), ' '), "external-link"), `</a>`...)
	}
	return c.word(icon(b, " "))
}

// word writes a cell that is Plain.
func (c *Cell) word(b []byte) []byte {
	text := escape(c.Text)
	switch {
	case c.Href != "":
		return append(append(append(append(append(b, `<a href="`...), escape(c.Href)...), `">`...), text...), `</a>`...)
	case c.Text == "":
		return append(b, `<span class="mut">—</span>`...)
	case c.Type != "":
		return append(append(append(append(append(b, `<span class="`...), escape(c.Type)...), `">`...), text...), `</span>`...)
	}
	return append(append(append(b, `<span>`...), text...), `</span>`...)
}

// Quick tells whether Write can write the line of a menu.
func (n NavItem) Quick() bool { return own(n.Href) }

// Write gives what the template "nav-link" does, of a line that is Quick.
func (n NavItem) Write(p *web.Pen) template.HTML {
	attr := func(b []byte, name, value string) []byte {
		if value == "" {
			return b
		}
		return append(append(append(append(append(b, ' '), name...), `="`...), escape(value)...), '"')
	}
	b := attr(make([]byte, 0, 256), "href", n.Href)
	if n.Current {
		b = attr(b, "aria-current", "page")
	}
	b = append(attr(attr(b, "data-go", n.Go), "data-swap", n.Swap), '>')
	switch {
	case n.Badge != "":
		b = append(append(append(b, `<span class="sq hue`...), itoa(web.Hue(n.Badge))...), `" aria-hidden="true">`...)
		b = append(append(b, escape(web.Monogram(n.Badge))...), `</span>`...)
	case n.Icon != "":
		b = p.Icon(b, n.Icon)
	}
	b = append(append(append(b, `<span class="t">`...), escape(n.Label)...), `</span>`...)
	if n.Count != 0 {
		b = append(append(append(b, `<span class="n">`...), web.Number(n.Count)...), `</span>`...)
	}
	return "<a" + template.HTML(b) + "</a>" // #nosec G203 -- escaped above
}

// Boxes writes a box for each column that can be chosen.
func (c Chooser) Boxes() template.HTML {
	b := make([]byte, 0, 96*len(c.Options))
	for i := range c.Options {
		o := &c.Options[i]
		b = append(append(append(b, `<label class="chk"><input type="checkbox" name="col" value="`...), escape(o.Value)...), '"')
		if o.Selected {
			b = append(b, ` checked`...)
		}
		b = append(append(append(b, `> `...), escape(o.Label)...), `</label>`...)
	}
	return template.HTML(b) // #nosec G203 -- escaped above
}
