package internal_test

import (
	"go/ast"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestSecurityModel: each promise of doc/security-model.md names a check, and each
// test that it names is there.
func TestSecurityModel(t *testing.T) {
	page, err := os.ReadFile("../doc/security-model.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]string{} // by folder
	for _, s := range sources(t) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				tests[s.dir] = append(tests[s.dir], f.Name.Name)
			}
		}
	}
	command := regexp.MustCompile("`go test ([^`]*)`")
	promises, named := 0, 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.ReplaceAll(line, `\|`, "\x00"), " | ")
		if len(cells) != 3 || strings.HasPrefix(line, "| promise") {
			continue
		}
		promises++
		if !strings.Contains(cells[2], "`") {
			t.Errorf("no check is named for: %s", cells[0])
		}
		for _, m := range command.FindAllStringSubmatch(cells[2], -1) {
			folders, pattern, _ := strings.Cut(strings.ReplaceAll(m[1], "\x00", "|"), " -run ")
			test, _, _ := strings.Cut(strings.Trim(strings.TrimSpace(pattern), "'"), "/") // what is behind names a part of it
			run, err := regexp.Compile(test)
			if err != nil {
				t.Errorf("%s: %v", m[0], err)
				continue
			}
			for folder := range strings.FieldsSeq(folders) {
				named++
				if !slices.ContainsFunc(tests[strings.TrimPrefix(folder, "./")], run.MatchString) {
					t.Errorf("%s: there is no such test in %s", m[0], folder)
				}
			}
		}
	}
	if promises < 20 || named < 20 {
		t.Errorf("the page has %d promises and %d tests: its tables are not read any more", promises, named)
	}
}
