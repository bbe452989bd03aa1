package shell_test

import (
	"html/template"
	"strings"
	"testing"

	"strongroom/internal/base/web/ui"
	"strongroom/internal/surface/webui/shell"
)

// TestRunsWriteWhatTheTemplateDoes: a cell that a row writes itself, for speed,
// looks as the template "cell" would write it, whatever it holds.
func TestRunsWriteWhatTheTemplateDoes(t *testing.T) {
	files, err := shell.Parts()
	if err != nil {
		t.Fatal(err)
	}
	funcs := template.FuncMap{} // for cells that are not compared
	for _, f := range []string{"asset", "icon", "hue", "initials", "monogram", "ago", "date", "datetime", "clock", "iso", "dict", "list", "slug", "plural", "add", "percent", "bytes", "number"} {
		funcs[f] = func(...any) string { return "" }
	}
	cells := template.Must(template.New("parts").Funcs(funcs).ParseFS(files, "parts.html"))
	texts := []string{"", "Printer", `<script>alert("1")</script> & 'co'`, "Zürich – 東京", "a\"b", "x\u0000y"}
	hrefs := []string{"", "/configurations/12", "/list?a=b&c=d+e", "//evil.example/", "javascript:alert(1)", "https://example.com/", "/a b", `/"onclick="x`, "/ü", "mailto:a@b.example", "/%zz"}
	written := 0
	for _, typ := range []string{"", "mut", "mono", "link", "status", "pill", "prio", "num", "bool", "user", "url", "html", "meter"} {
		for _, text := range texts {
			for _, href := range hrefs {
				for _, sub := range []string{"", "<b>small</b>"} {
					c := ui.Cell{Type: typ, Text: text, Href: href, Sub: sub, Tone: "warn", Copy: len(text)%2 == 1}
					runs := ui.Row{Cells: []ui.Cell{c}}.Runs([]string{"ph-no"})
					if len(runs) != 1 { // the template writes it
						continue
					}
					written++
					var b strings.Builder
					if err := cells.ExecuteTemplate(&b, "cell", c); err != nil {
						t.Fatal(err)
					}
					if want := `<td class="ph-no">` + b.String() + `</td>`; string(runs[0].HTML) != want {
						t.Errorf("%+v\n got %s\nwant %s", c, runs[0].HTML, want)
					}
				}
			}
		}
	}
	if written < 100 {
		t.Errorf("only %d sorts of cells are written without the template", written)
	}
}
