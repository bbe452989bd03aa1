// Package textdiff tells what changed between two texts: which lines, and within
// lines that were rewritten, which words.
//
// Always true: what stands on the old side, in order, is the old text, and what
// stands on the new side is the new one, whatever is marked as changed.
package textdiff

import (
	"strings"
	"unicode"
)

// Op says on which side something stands.
type Op byte

// The three sides.
const (
	Both Op = ' '
	Old  Op = '-'
	New  Op = '+'
)

// Line is one line of either text, or of both.
type Line struct {
	Op    Op
	Parts []Part
}

// Part is a piece of a line. Changed says that it is not on the other side; a
// line that has nothing in common with the other side is one changed part.
type Part struct {
	Text    string
	Changed bool
}

// Text is the whole of the line.
func (l Line) Text() string {
	var b strings.Builder
	for _, p := range l.Parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

// Lines compares two texts line by line. Lines that were rewritten stand below
// each other, the old one first.
func Lines(old, now string) []Line {
	a, b := strings.Split(old, "\n"), strings.Split(now, "\n")
	var out []Line
	var gone, come []string
	flush := func() {
		out = append(out, rewritten(gone, come)...)
		gone, come = nil, nil
	}
	for _, s := range script(a, b) {
		switch s {
		case Old:
			gone, a = append(gone, a[0]), a[1:]
		case New:
			come, b = append(come, b[0]), b[1:]
		case Both:
			flush()
			out = append(out, Line{Both, []Part{{Text: a[0]}}})
			a, b = a[1:], b[1:]
		}
	}
	flush()
	return out
}

// rewritten pairs lines that were taken away with those that came in their
// place, as long as they have words in common.
func rewritten(gone, come []string) []Line {
	var out, below []Line
	for i := range max(len(gone), len(come)) {
		switch {
		case i >= len(come):
			out = append(out, Line{Old, []Part{{gone[i], true}}})
		case i >= len(gone):
			below = append(below, Line{New, []Part{{come[i], true}}})
		default:
			o, n := Words(gone[i], come[i])
			if len(gone) == len(come) { // one for one: below each other
				out = append(out, Line{Old, o}, Line{New, n})
				continue
			}
			out, below = append(out, Line{Old, o}), append(below, Line{New, n})
		}
	}
	return append(out, below...)
}

// Words compares two lines word by word and gives each with its changed parts
// marked. Two lines of which less than a third is common are wholly changed.
func Words(old, now string) (o, n []Part) {
	a, b := words(old), words(now)
	same := 0
	for _, s := range script(a, b) {
		switch s {
		case Old:
			o, a = put(o, a[0], true), a[1:]
		case New:
			n, b = put(n, b[0], true), b[1:]
		case Both:
			if strings.TrimSpace(a[0]) != "" {
				same += len(a[0])
			}
			o, n = put(o, a[0], false), put(n, b[0], false)
			a, b = a[1:], b[1:]
		}
	}
	if 3*same < max(len(old), len(now)) {
		return []Part{{old, true}}, []Part{{now, true}}
	}
	return o, n
}

// put appends text to the last part, or as a new one when that is of the other
// sort.
func put(list []Part, text string, changed bool) []Part {
	if k := len(list) - 1; k >= 0 && list[k].Changed == changed {
		list[k].Text += text
		return list
	}
	return append(list, Part{text, changed})
}

// words cuts a line into words, runs of white space, and single other marks.
func words(s string) []string {
	class := func(r rune) int {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			return 1
		case unicode.IsSpace(r):
			return 2
		}
		return 0
	}
	var out []string
	start, last := 0, -1
	for i, r := range s {
		c := class(r)
		if i > 0 && (c != last || c == 0) {
			out, start = append(out, s[start:i]), i
		}
		last = c
	}
	if s != "" {
		out = append(out, s[start:])
	}
	return out
}
