package shell_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"strongroom/internal/base/web"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/surface/webui/shell"
)

// drawn gives what the templates make of data, with this content.
func drawn(t *testing.T, content string, data any) string {
	t.Helper()
	parts, err := shell.Parts()
	if err != nil {
		t.Fatal(err)
	}
	static, err := shell.Static()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := web.ParsePages(parts, static, nil)
	if err != nil {
		t.Fatal(err)
	}
	pages.Now = func() time.Time { return time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC) }
	if err := pages.Add(fstest.MapFS{"drawn.html": {Data: []byte(`{{define "content"}}` + content + `{{end}}`)}}, "*.html"); err != nil {
		t.Fatal(err)
	}
	r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	r.Header.Set("X-Swap", "content")
	if err := pages.Render(w, r, "drawn", data); err != nil {
		t.Fatal(err)
	}
	return w.Body.String()
}

var (
	hardTexts = []string{"", "Printer", `<script>alert("1")</script> & 'co'`, "Zürich – 東京", "a\"b", "x\u0000y", "+49 30 1", "broken \xff"}
	hardHrefs = []string{"", "/configurations/12", "/list?a=b&c=d+e", "/list?a=b&c=d", "//evil.example/", "javascript:alert(1)", "https://example.com/a?b=c&d", "https://example.com/ü", "https:///x",
		"https:javascript", "http://example.com/", "/a b", `/"onclick="x`, "/ü", "mailto:a@b.example", "mailto:a+c@b.example", "mailto:/x", "tel:+49301", "/%zz", "data:text/html,x"}
)

// TestCellsAreWrittenAsTheTemplateDoes: a cell that is written without the
// templates, for speed, looks as they would write it, whatever it holds.
func TestCellsAreWrittenAsTheTemplateDoes(t *testing.T) {
	var cells []ui.Cell
	quick := map[string]int{}
	for _, typ := range []string{"", "mut", "mono", "link", "status", "pill", "prio", "ago", "date", "datetime", "num", "bytes", "bool", "user", "url", "html", "meter"} {
		for i, text := range hardTexts {
			for j, href := range hardHrefs {
				c := ui.Cell{Type: typ, Text: text, Href: href, Sub: []string{"", "<b>small+</b>"}[(i+j)%2], Tone: "warn", Copy: (i+j)%3 == 0, Number: int64(i % 2 * 17)}
				c.Icon = []string{"", "server-2", `"><i>`}[(i+2*j)%3]
				if j%4 > 0 {
					c.Time = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC).Add(-time.Duration(j*j*j) * 7 * time.Hour)
				}
				if cells = append(cells, c); c.Quick() {
					quick[typ]++
				}
			}
		}
	}
	got := strings.Split(drawn(t, `{{range .}}{{template "cell" .}}<hr>{{end}}`, cells), "<hr>")
	want := strings.Split(drawn(t, `{{range .}}{{template "any-cell" .}}<hr>{{end}}`, cells), "<hr>")
	for i, c := range cells {
		if got[i] != want[i] {
			t.Errorf("%+v\n got %s\nwant %s", c, got[i], want[i])
		}
	}
	for _, typ := range []string{"", "mut", "mono", "link", "status", "pill", "ago", "date", "num", "bool", "url"} {
		if quick[typ] == 0 {
			t.Errorf("no cell of the type %q is written without the templates", typ)
		}
	}
}

// TestRowsAreWrittenAsTheTemplateDoes: so is the body of a table, also where some
// cells are left to the templates.
func TestRowsAreWrittenAsTheTemplateDoes(t *testing.T) {
	table := ui.Table{Bulk: []ui.Action{{Label: "Archive"}}, Columns: []ui.Column{{Phone: "title"}, {Right: true, Hide: 2}, {}}}
	for i, text := range hardTexts {
		table.Rows = append(table.Rows, ui.Row{ID: text, Name: text, Muted: i%2 == 1, Cells: []ui.Cell{
			{Type: "link", Text: text, Href: hardHrefs[i], Icon: "box"}, {Type: []string{"user", "num", "ago"}[i%3], Text: text}, {Text: text}}})
	}
	const rows = `{{$t := .}}{{range .Rows}}<tr{{if .Muted}} class="muted"{{end}}>{{if $t.Bulk}}<td class="ck"><input type="checkbox" name="id" value="{{.ID}}" aria-label="Select {{.Name}}"></td>{{end}}` +
		`{{range $i, $c := .Cells}}<td class="{{(index $t.Columns $i).Class}}">{{template "any-cell" $c}}</td>{{end}}</tr>` + "\n{{end}}"
	for _, bulk := range []bool{true, false} {
		if !bulk {
			table.Bulk = nil
		}
		want, all := drawn(t, rows, table), drawn(t, `{{template "table" .}}`, table)
		if !strings.Contains(all, want) {
			t.Errorf("the table is\n%s\nand its body should be\n%s", all, want)
		}
	}
}

// TestMenusAreWrittenAsTheTemplateDoes: so are the lines of menus.
func TestMenusAreWrittenAsTheTemplateDoes(t *testing.T) {
	var lines []ui.NavItem
	quick := 0
	for i, text := range hardTexts {
		for j, href := range hardHrefs {
			n := ui.NavItem{Label: text, Href: href, Icon: []string{"", "box", `"><i>`}[j%3], Current: i%2 == 0, Count: j * 700, Go: []string{"", "d", `"`}[i%3], Swap: []string{"", "list"}[j%2]}
			if i%3 == 0 {
				n.Badge = text
			}
			if lines = append(lines, n); n.Quick() {
				quick++
			}
		}
	}
	if got, want := drawn(t, `{{range .}}{{template "nav-link" .}}{{end}}`, lines), drawn(t, `{{range .}}{{template "any-nav-link" .}}{{end}}`, lines); got != want || quick == 0 {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestChoicesAreWrittenAsTheTemplateDoes: so are the options of a filter, and the
// boxes of a choice of columns.
func TestChoicesAreWrittenAsTheTemplateDoes(t *testing.T) {
	var f ui.Field
	for i, text := range hardTexts {
		f.Options = append(f.Options, ui.Option{Value: text, Label: text, Selected: i%2 == 0})
	}
	const boxes = `{{range .Options}}<label class="chk"><input type="checkbox" name="col" value="{{.Value}}"{{if .Selected}} checked{{end}}> {{.Label}}</label>{{end}}`
	if got, want := drawn(t, `{{.Boxes}}`, ui.Chooser{Options: f.Options}), drawn(t, boxes, f); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	if got, want := drawn(t, `{{.Choices}}`, f), drawn(t, `{{template "options" .Options}}`, f); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
