package internal_test

import (
	"go/ast"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestASVS: each row of doc/asvs.md has a known state, a row called tested
// names tests, and every test that is named exists, as those of doc/attacks.md do.
func TestASVS(t *testing.T) {
	page, err := os.ReadFile("../doc/asvs.md")
	if err != nil {
		t.Fatal(err)
	}
	exists := map[string]bool{}
	for _, s := range sources(t) {
		for _, d := range s.ast.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test && f.Recv == nil {
				exists[strings.TrimPrefix(s.dir, "internal/")+"."+f.Name.Name] = true
			}
		}
	}
	named := regexp.MustCompile("`([a-z0-9_/]+\\.(?:Test|Fuzz)[A-Za-z0-9_]*)`")
	rows := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, " | ")
		if len(cells) != 5 || !strings.HasPrefix(cells[0], "| V") {
			continue
		}
		rows++
		id, state := strings.TrimPrefix(cells[0], "| "), cells[3]
		switch state {
		case "tested", "checked", "later", "operator", "no":
		default:
			t.Errorf("%s has the unknown state %q", id, state)
		}
		tests := named.FindAllStringSubmatch(cells[4], -1)
		if strings.Trim(cells[4], " |\n") == "" {
			t.Errorf("%s is called %s, for no reason", id, state)
		}
		if state == "tested" && len(tests) == 0 {
			t.Errorf("%s is called tested and names no test", id)
		}
		for _, m := range tests {
			if !exists[m[1]] {
				t.Errorf("%s names %s, which does not exist", id, m[1])
			}
		}
	}
	attacks, err := os.ReadFile("../doc/attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for line := range strings.Lines(string(attacks)) {
		if cells := strings.Split(line, " | "); len(cells) != 3 || strings.HasPrefix(line, "| attack") {
			continue
		}
		tests := named.FindAllStringSubmatch(line, -1)
		if tried++; len(tests) == 0 {
			t.Errorf("no test tries: %s", line)
		}
		for _, m := range tests {
			if !exists[m[1]] {
				t.Errorf("doc/attacks.md names %s, which does not exist", m[1])
			}
		}
	}
	if tried < 30 {
		t.Errorf("doc/attacks.md has %d attacks: its table is not read any more", tried)
	}
	if rows != 345 {
		t.Errorf("doc/asvs.md has %d rows, the standard has 345", rows)
	}
}
