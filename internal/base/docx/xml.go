package docx

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"strongroom/internal/base/fault"
)

// node is an element with what is in it. Names are without their namespaces,
// which differ between the two editions of the standard.
type node struct {
	name  string
	attrs []xml.Attr
	kids  []*node
	text  string // of a node without a name
}

// Bounds of a part.
const (
	mostDepth = 200
	mostNodes = 4_000_000
)

func parse(r io.Reader, name string) (*node, error) {
	d := xml.NewDecoder(r)
	root := &node{}
	stack := []*node{root}
	for n := 0; ; n++ {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) && len(stack) == 1 {
			if len(root.kids) == 0 {
				return nil, nil
			}
			return root.kids[len(root.kids)-1], nil
		}
		var bad *xml.SyntaxError
		if errors.As(err, &bad) || errors.Is(err, io.EOF) || n > mostNodes {
			return nil, fault.New(fault.Invalid, "This Word document is damaged: its part %s cannot be read.", name).WithHint("Open it in a word processor and save it again.")
		}
		if err != nil {
			return nil, err
		}
		top := stack[len(stack)-1]
		switch t := tok.(type) {
		case xml.StartElement:
			k := &node{name: t.Name.Local, attrs: t.Copy().Attr}
			top.kids = append(top.kids, k)
			if stack = append(stack, k); len(stack) > mostDepth {
				return nil, fault.New(fault.Invalid, "This Word document is nested too deeply to be read.").WithHint("Simplify its tables and save it again.")
			}
		case xml.EndElement:
			if len(stack) == 1 || top.name != t.Name.Local {
				return nil, fault.New(fault.Invalid, "This Word document is damaged: its part %s cannot be read.", name).WithHint("Open it in a word processor and save it again.")
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 1 {
				top.kids = append(top.kids, &node{text: string(t)})
			}
		}
	}
}

// attr gives an attribute by its local name.
func (n *node) attr(name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// child gives the first element of a name directly within n; nil when there is
// none, or n is nil.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// at walks down by names.
func (n *node) at(names ...string) *node {
	for _, name := range names {
		n = n.child(name)
	}
	return n
}

// find gives the first element of a name anywhere within n.
func (n *node) find(name string) *node {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
		if f := k.find(name); f != nil {
			return f
		}
	}
	return nil
}

// all gives every element of a name within n that is not inside of another one.
func (n *node) all(name string) []*node {
	var out []*node
	for _, k := range n.kids {
		if k.name == name {
			out = append(out, k)
			continue
		}
		out = append(out, k.all(name)...)
	}
	return out
}

// content is the text within n.
func (n *node) content() string {
	if n.name == "" {
		return n.text
	}
	var b strings.Builder
	for _, k := range n.kids {
		b.WriteString(k.content())
	}
	return b.String()
}

// on tells whether a property that can be on or off is on (ECMA-376 Part 1,
// 17.17.4).
func (n *node) on(name string) bool {
	k := n.child(name)
	if k == nil {
		return false
	}
	switch k.attr("val") {
	case "0", "false", "off", "none":
		return false
	}
	return true
}
