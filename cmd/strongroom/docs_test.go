package main

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// calls finds the calls of the program in a page: between backquotes, and in lines that
// stand for themselves.
func calls(text string) (out []string) {
	span := regexp.MustCompile("`(?:bin/)?strongroom ([^`]+)`")
	for line := range strings.Lines(text) {
		line = strings.TrimRight(strings.ReplaceAll(line, `\|`, "|"), "\n")
		for _, m := range span.FindAllStringSubmatch(line, -1) {
			out = append(out, m[1])
		}
		if rest, ok := strings.CutPrefix(line, "    "); ok {
			if _, behind, ok := strings.Cut(rest, "| strongroom "); ok { // of a pipe, the part that is ours
				rest = "strongroom " + behind
			}
			if rest, ok = strings.CutPrefix(strings.TrimPrefix(strings.TrimSpace(rest), "bin/"), "strongroom "); ok {
				out = append(out, rest)
			}
		}
	}
	return out
}

// named gives the commands that a call names, of which the last word may say several.
func named(call string) (names, rest []string) {
	words := strings.Fields(call)
	known := func(name string) bool {
		return slices.ContainsFunc(commands(), func(c *command) bool { return c.name == name })
	}
	for n := min(2, len(words)); n > 0; n-- {
		first := strings.Join(words[:n-1], " ")
		for one := range strings.SplitSeq(strings.TrimRight(words[n-1], ".,:"), "|") {
			if name := strings.TrimSpace(first + " " + one); known(name) {
				names = append(names, name)
			} else if len(names) > 0 {
				return nil, []string{name}
			}
		}
		if len(names) > 0 {
			return names, words[n:]
		}
	}
	return nil, words
}

// TestDocumentsNameCommands: each command that the documents name is there, with the
// settings that they give it.
func TestDocumentsNameCommands(t *testing.T) {
	groups := map[string]bool{}
	for _, c := range commands() {
		if first, _, ok := strings.Cut(c.name, " "); ok {
			groups[first] = true
		}
	}
	seen := 0
	page := func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range calls(string(text)) {
			seen++
			names, rest := named(call)
			if len(names) == 0 {
				if words := strings.Fields(call); words[0] == "COMMAND" || words[0] == "sqlite-pages" { // any of them; a word of a format
					continue
				} else if len(words) > 1 && words[1] != "..." || !groups[words[0]] { // a group may stand for all of it
					t.Errorf("%s: there is no command strongroom %s", path, call)
				}
				continue
			}
			for _, name := range names {
				f := flag.NewFlagSet(name, flag.ContinueOnError)
				flagsOf(name, f)
				for _, w := range rest {
					if w == "--" || strings.HasPrefix(w, "#") {
						break
					}
					setting, _, _ := strings.Cut(strings.TrimLeft(strings.TrimRight(w, ".,;:)]"), "["), "=")
					if strings.HasPrefix(setting, "-") && setting != "-h" && setting != "-" && f.Lookup(strings.TrimLeft(setting, "-")) == nil {
						t.Errorf("%s: strongroom %s: %s has no setting %s", path, call, name, setting)
					}
				}
			}
		}
	}
	page("../../README.md")
	err := filepath.WalkDir("../../doc", func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" && !strings.Contains(path, "decisions") { // those say what held on their day
			page(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 100 {
		t.Errorf("the documents name %d commands: they are not read any more", seen)
	}
}
