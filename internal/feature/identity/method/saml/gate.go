package saml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// What a message may be at most. Real answers have some 10 kB, 50 elements and are
// 8 deep.
const (
	mostBytes    = 256 << 10
	mostElements = 4000
	mostDepth    = 40
)

// parse reads XML that holds nothing by which parsers have been made to see
// different things in one text: no DOCTYPE, no entities of its own, no comment, no
// processing instruction, no name that is none, no ID twice.
func parse(raw []byte) (*etree.Element, error) { return read(raw, false) }

// read is parse, which may let comments pass: metadata that people have written
// holds some, and who enters it is trusted with it.
func read(raw []byte, comments bool) (*etree.Element, error) {
	if len(raw) > mostBytes {
		return nil, fmt.Errorf("it has %d bytes, more than %d", len(raw), mostBytes)
	}
	if !utf8.Valid(raw) {
		return nil, errors.New("it is not UTF-8")
	}
	if err := scan(raw, comments); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		return nil, err
	}
	if doc.Root() == nil {
		return nil, errors.New("it is empty")
	}
	return doc.Root(), nil
}

// scanner reads XML by its tokens.
type scanner struct {
	open     []string // the names of the elements that are not closed yet
	ids      map[string]bool
	elements int
	roots    int
	comments bool // may be there
}

func scan(raw []byte, comments bool) error {
	d := xml.NewDecoder(bytes.NewReader(raw)) // #nosec G709 -- tokens alone are read, to refuse what is dangerous
	d.Entity = map[string]string{}
	s := scanner{ids: map[string]bool{}, comments: comments}
	for first := true; ; first = false {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			if s.roots != 1 || len(s.open) > 0 {
				return errors.New("it is not one whole element")
			}
			return nil
		}
		if err == nil {
			err = s.token(t, first)
		}
		if err != nil {
			return err
		}
	}
}

func (s *scanner) token(t xml.Token, first bool) error {
	switch t := t.(type) {
	case xml.StartElement:
		return s.start(t)
	case xml.EndElement:
		n := len(s.open) - 1
		if n < 0 || s.open[n] != full(t.Name) {
			return errors.New("an element ends that did not begin")
		}
		s.open = s.open[:n]
	case xml.CharData:
		if len(s.open) == 0 && len(bytes.TrimSpace(t)) > 0 {
			return errors.New("there is text beside its element")
		}
	case xml.Comment:
		if s.comments {
			return nil
		}
		return errors.New("it holds a comment")
	case xml.Directive:
		return errors.New("it holds a DOCTYPE")
	case xml.ProcInst:
		if !first || t.Target != "xml" {
			return errors.New("it holds a processing instruction")
		}
	}
	return nil
}

func full(n xml.Name) string { return n.Space + ":" + n.Local }

// simple tells whether a part of a name is one that every parser reads alike.
func simple(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '-' && c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}

func sound(n xml.Name) bool { return simple(n.Local) && (n.Space == "" || simple(n.Space)) }

func (s *scanner) start(t xml.StartElement) error {
	if len(s.open) == 0 {
		s.roots++
	}
	s.elements++
	s.open = append(s.open, full(t.Name))
	if s.elements > mostElements || len(s.open) > mostDepth || s.roots > 1 || !sound(t.Name) {
		return errors.New("its elements are too many, too deep or wrongly named")
	}
	seen := map[string]bool{}
	for _, a := range t.Attr {
		if !sound(a.Name) || seen[full(a.Name)] {
			return errors.New("an attribute is there twice or wrongly named")
		}
		seen[full(a.Name)] = true
		if !strings.EqualFold(a.Name.Local, "id") {
			continue
		}
		if !simple(a.Value) || s.ids[a.Value] {
			return errors.New("an ID is there twice or is none")
		}
		s.ids[a.Value] = true
	}
	return nil
}

// is tells whether an element has a name.
func is(e *etree.Element, ns, tag string) bool { return e.Tag == tag && e.NamespaceURI() == ns }

// some gives the children with a name; none of nil.
func some(e *etree.Element, ns, tag string) (out []*etree.Element) {
	if e == nil {
		return nil
	}
	for _, c := range e.ChildElements() {
		if is(c, ns, tag) {
			out = append(out, c)
		}
	}
	return out
}

// one gives the child with a name; nil unless there is exactly one.
func one(e *etree.Element, ns, tag string) *etree.Element {
	if list := some(e, ns, tag); len(list) == 1 {
		return list[0]
	}
	return nil
}

// text gives the whole text of an element that holds nothing else, without the space
// around it; "" for nil and for an element that holds others.
func text(e *etree.Element) string {
	if e == nil {
		return ""
	}
	var b strings.Builder
	for _, t := range e.Child {
		c, ok := t.(*etree.CharData)
		if !ok {
			return ""
		}
		b.WriteString(c.Data)
	}
	return strings.TrimSpace(b.String())
}

// attr gives an attribute that has no prefix.
func attr(e *etree.Element, name string) string {
	for _, a := range e.Attr {
		if a.Space == "" && a.Key == name {
			return a.Value
		}
	}
	return ""
}

// within counts the elements with a local name, the element itself among them,
// whatever their namespace.
func within(e *etree.Element, tag string) int {
	n := 0
	if e.Tag == tag {
		n++
	}
	for _, c := range e.ChildElements() {
		n += within(c, tag)
	}
	return n
}
