package internal_test

import (
	"go/parser"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages gives every Markdown file of the repository, by its path from the top.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != ".." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "bin" || base == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, ".md") {
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			found[strings.TrimPrefix(filepath.ToSlash(name), "../")] = string(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestDocLinks: a link from one page to another file of the repository leads
// somewhere.
func TestDocLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)
	for page, text := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") || strings.HasPrefix(m[1], "/") {
				continue
			}
			if _, err := os.Stat(filepath.Join("..", filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", page, m[1])
			}
		}
	}
}

// TestDecisions: every record is in the index and has its parts.
func TestDecisions(t *testing.T) {
	all := pages(t)
	index := all["doc/decisions/README.md"]
	numbered := regexp.MustCompile(`^doc/decisions/(\d{4})-[a-z0-9-]+\.md$`)
	status := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d · (accepted|replaced by \d{4})$`)
	for page, text := range all {
		if !strings.HasPrefix(page, "doc/decisions/") || page == "doc/decisions/README.md" {
			continue
		}
		m := numbered.FindStringSubmatch(page)
		if m == nil {
			t.Errorf("%s is not named NNNN-words.md", page)
			continue
		}
		if !strings.Contains(index, "("+filepath.Base(page)+")") {
			t.Errorf("%s is not in doc/decisions/README.md", page)
		}
		if !strings.HasPrefix(text, "# "+m[1]+" ") {
			t.Errorf("%s does not begin with its number and title", page)
		}
		if !status.MatchString(text) {
			t.Errorf("%s has no line with its date and status", page)
		}
		for _, part := range []string{"**Context.**", "**Choice.**", "**Cost.**"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s has no part %s", page, part)
			}
		}
	}
}

// TestChores: a chore fits on one page, and the Go files it shows are Go.
func TestChores(t *testing.T) {
	const onePage = 75
	block := regexp.MustCompile("(?s)```go\n(// Package .*?)```")
	chores := 0
	for page, text := range pages(t) {
		if !strings.HasPrefix(page, "doc/chores/") {
			continue
		}
		chores++
		if n := strings.Count(text, "\n"); n > onePage {
			t.Errorf("%s has %d lines, more than the %d of a page", page, n, onePage)
		}
		for _, m := range block.FindAllStringSubmatch(text, -1) {
			if _, err := parser.ParseFile(fset, page, m[1], parser.AllErrors); err != nil {
				t.Errorf("%s shows Go that is none: %v", page, err)
			}
		}
	}
	if chores < 3 {
		t.Errorf("found %d chores: the test does not see doc/chores", chores)
	}
}
