package internal_test

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"
)

// TestFormats: each page of doc/formats has its row in the list there, which names the
// fuzzers of what reads it, or none and why; each that is named exists.
func TestFormats(t *testing.T) {
	exists := map[string]bool{}
	for _, s := range sources(t) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test && f.Recv == nil {
				exists["internal/"+strings.TrimPrefix(s.dir, "internal/")+"."+f.Name.Name] = true
			}
		}
	}
	all := pages(t)
	rows := map[string]string{}
	row := regexp.MustCompile(`^\| \[[a-z-]+\]\(([a-z-]+\.md)\) \| [^|]+ \| ([^|]+) \|$`)
	for line := range strings.Lines(all["doc/formats/README.md"]) {
		if m := row.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			rows[m[1]] = m[2]
		}
	}
	named := regexp.MustCompile("`([a-z0-9_/]+\\.Fuzz[A-Za-z0-9]+)`")
	for page := range all {
		name, ok := strings.CutPrefix(page, "doc/formats/")
		if !ok || name == "README.md" {
			continue
		}
		fuzzers := named.FindAllStringSubmatch(rows[name], -1)
		if len(fuzzers) == 0 && rows[name] != "none" {
			t.Errorf("%s has no row in doc/formats/README.md that names a fuzzer", page)
		}
		for _, m := range fuzzers {
			if !exists[m[1]] {
				t.Errorf("%s: there is no %s", page, m[1])
			}
		}
	}
	for _, m := range named.FindAllStringSubmatch(all["doc/formats/README.md"], -1) {
		if !exists[m[1]] {
			t.Errorf("doc/formats/README.md: there is no %s", m[1])
		}
	}
	if len(rows) < 10 {
		t.Errorf("doc/formats/README.md has %d rows: the test does not see them", len(rows))
	}
}
