// Package query reads the filters and paths of SCIM (RFC 7644, 3.4.2.2 and 3.5.2) and
// asks resources for what they say.
//
// Always true: what is read is bounded in length, depth and number of terms; what is not
// understood is refused and never means everything; names are compared in any case.
package query

import (
	"cmp"
	"encoding/json"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/compare"
)

// The bounds of a filter and of a path.
const (
	MaxLength = 4096 // bytes
	MaxDepth  = 10   // brackets within brackets
	MaxTerms  = 50   // comparisons
)

// The operators of a Filter.
const (
	And = "and"
	Or  = "or"
	Not = "not"
	Has = "has" // some value of the list Name meets Sub[0]
	Pr  = "pr"
)

// Filter is a filter that was read: a comparison, or others put together.
type Filter struct {
	Op    string    // And, Or, Not, Has, Pr, or eq, ne, co, sw, ew, gt, ge, lt, le
	Sub   []*Filter // of And, Or, Not and Has
	Name  Name      // of a comparison and of Has
	Value any       // of a comparison: string, bool, json.Number or nil
}

// Name is what a filter or a path calls an attribute.
type Name struct {
	Schema string // the URN before it; "" for none
	Attr   string
	Sub    string // of a complex attribute, or ""
}

// String writes the name as it stands in addresses.
func (n Name) String() string {
	s := n.Attr
	if n.Schema != "" {
		s = n.Schema + ":" + s
	}
	if n.Sub != "" {
		s += "." + n.Sub
	}
	return s
}

// Path is where in a resource a change takes place.
type Path struct {
	Name
	Where *Filter // which values of a list; nil for all
}

// Names calls f with the name of each comparison and of each list; inside tells the list in
// whose brackets it stands.
func (f *Filter) Names(each func(inside string, n Name)) { f.names("", each) }

func (f *Filter) names(inside string, each func(string, Name)) {
	switch f.Op {
	case And, Or, Not:
	case Has:
		each(inside, f.Name)
		inside = f.Name.Attr
	default:
		each(inside, f.Name)
	}
	for _, s := range f.Sub {
		s.names(inside, each)
	}
}

// Match tells whether a resource, or a value of a list, is as the filter says. exact tells
// which attributes are compared letter by letter; others are in any case.
func (f *Filter) Match(doc map[string]any, exact func(Name) bool) bool {
	switch f.Op {
	case And:
		for _, s := range f.Sub {
			if !s.Match(doc, exact) {
				return false
			}
		}
		return true
	case Or:
		for _, s := range f.Sub {
			if s.Match(doc, exact) {
				return true
			}
		}
		return false
	case Not:
		return !f.Sub[0].Match(doc, exact)
	case Has:
		for _, v := range list(Get(doc, f.Name.Attr)) {
			if m, ok := v.(map[string]any); ok && f.Sub[0].Match(m, exact) {
				return true
			}
		}
		return false
	}
	values := f.values(doc)
	if f.Op == "ne" { // of several values none may be it
		for _, v := range values {
			if f.compare("eq", v, exact(f.Name)) {
				return false
			}
		}
		return len(values) > 0 || f.Value != nil
	}
	if f.Op == "eq" && f.Value == nil {
		return len(values) == 0
	}
	for _, v := range values {
		if f.compare(f.Op, v, exact(f.Name)) {
			return true
		}
	}
	return false
}

// values gives what a resource holds under the filter's name: of a complex value without
// the name of a part, its value.
func (f *Filter) values(doc map[string]any) (out []any) {
	for _, v := range list(Get(doc, f.Name.Attr)) {
		if m, ok := v.(map[string]any); ok {
			if f.Op == Pr && f.Name.Sub == "" {
				if len(m) > 0 {
					out = append(out, m)
				}
				continue
			}
			v = Get(m, cmp.Or(f.Name.Sub, "value"))
		} else if f.Name.Sub != "" {
			continue
		}
		if v != nil && v != "" {
			out = append(out, v)
		}
	}
	return out
}

func list(v any) []any {
	switch x := v.(type) {
	case nil:
		return nil
	case []any:
		return x
	}
	return []any{v}
}

// Get gives a member of an object by its name in any case.
func Get(doc map[string]any, name string) any {
	if v, ok := doc[name]; ok {
		return v
	}
	for k, v := range doc {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

func (f *Filter) compare(op string, have any, exact bool) bool {
	if op == Pr {
		return true
	}
	switch x := have.(type) {
	case bool:
		want, ok := f.Value.(bool)
		if s, is := f.Value.(string); is { // as some clients write them
			want, ok = strings.EqualFold(s, "true"), strings.EqualFold(s, "true") || strings.EqualFold(s, "false")
		}
		return ok && op == "eq" && x == want
	case string:
		want, ok := f.Value.(string)
		if !ok {
			return false
		}
		if !exact {
			x, want = compare.Fold(x), compare.Fold(want)
		}
		return texts(op, x, want)
	}
	return false
}

func texts(op, have, want string) bool {
	switch op {
	case "eq":
		return have == want
	case "co":
		return strings.Contains(have, want)
	case "sw":
		return strings.HasPrefix(have, want)
	case "ew":
		return strings.HasSuffix(have, want)
	case "gt":
		return have > want
	case "ge":
		return have >= want
	case "lt":
		return have < want
	case "le":
		return have <= want
	}
	return false
}

// ParseFilter reads a filter. Invalid says what is wrong, and where.
func ParseFilter(s string) (*Filter, error) {
	p, err := open(s, "filter")
	if err != nil {
		return nil, err
	}
	f, err := p.or(0)
	if err == nil && p.word != "" {
		err = p.wrong("something stands behind the end")
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// ParsePath reads a path: a name, or name[filter] and perhaps a part behind it.
func ParsePath(s string) (*Path, error) {
	p, err := open(s, "path")
	if err != nil {
		return nil, err
	}
	out := &Path{}
	if out.Name, err = p.name(); err != nil {
		return nil, err
	}
	if p.word == "[" {
		if out.Sub != "" {
			return nil, p.wrong("a part of an attribute has no brackets")
		}
		p.next()
		if out.Where, err = p.or(1); err != nil {
			return nil, err
		}
		if p.word != "]" {
			return nil, p.wrong("] is missing")
		}
		if rest, ok := strings.CutPrefix(p.rest, "."); ok {
			p.rest = rest
			p.next()
			if !word(p.word) || strings.ContainsAny(p.word, ".:") {
				return nil, p.wrong("the name of a part is missing")
			}
			out.Sub = p.word
		}
		p.next()
	}
	if p.word != "" || p.bad {
		return nil, p.wrong("something stands behind the end")
	}
	return out, nil
}

// parser reads words: names, operators, brackets and values as JSON writes them.
type parser struct {
	what  string
	whole string
	rest  string
	word  string // the present one; "" at the end
	text  bool   // it is a text in quotes
	bad   bool   // what follows is no word
	terms int
}

func open(s, what string) (*parser, error) {
	p := &parser{what: what, whole: s, rest: s}
	if len(s) > MaxLength {
		return nil, fault.New(fault.Invalid, "The %s is longer than %d bytes.", what, MaxLength)
	}
	if p.next(); p.word == "" {
		return nil, p.wrong("it is empty")
	}
	return p, nil
}

func (p *parser) wrong(why string) error {
	return fault.New(fault.Invalid, "The %s cannot be read: %s, at character %d.", p.what, why, len([]rune(p.whole[:len(p.whole)-len(p.rest)])))
}

// next goes to the next word.
func (p *parser) next() {
	p.rest = strings.TrimLeft(p.rest, " \t")
	p.word, p.text, p.bad = "", false, false
	if p.rest == "" {
		return
	}
	switch c := p.rest[0]; c {
	case '(', ')', '[', ']':
		p.word, p.rest = string(c), p.rest[1:]
		return
	case '"':
		for i := 1; i < len(p.rest); i++ {
			if p.rest[i] == '\\' {
				i++
			} else if p.rest[i] == '"' {
				p.word, p.rest, p.text = p.rest[:i+1], p.rest[i+1:], true
				return
			}
		}
		p.bad = true
		return
	}
	n := strings.IndexAny(p.rest, " \t()[]\"")
	if n < 0 {
		n = len(p.rest)
	}
	p.word, p.rest = p.rest[:n], p.rest[n:]
}

func (p *parser) is(word string) bool { return !p.text && strings.EqualFold(p.word, word) }

func (p *parser) or(depth int) (*Filter, error) {
	return p.chain(Or, depth, func(d int) (*Filter, error) { return p.chain(And, d, p.one) })
}

func (p *parser) chain(op string, depth int, part func(int) (*Filter, error)) (*Filter, error) {
	first, err := part(depth)
	if err != nil || !p.is(op) {
		return first, err
	}
	out := &Filter{Op: op, Sub: []*Filter{first}}
	for p.is(op) {
		p.next()
		one, err := part(depth)
		if err != nil {
			return nil, err
		}
		out.Sub = append(out.Sub, one)
	}
	return out, nil
}

// one reads a comparison, or what stands in brackets.
func (p *parser) one(depth int) (*Filter, error) {
	if depth > MaxDepth {
		return nil, p.wrong("there are too many brackets within brackets")
	}
	not := p.is(Not)
	if not {
		if p.next(); p.word != "(" {
			return nil, p.wrong("( is missing behind not")
		}
	}
	if p.word == "(" {
		p.next()
		f, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.word != ")" {
			return nil, p.wrong(") is missing")
		}
		p.next()
		if not {
			f = &Filter{Op: Not, Sub: []*Filter{f}}
		}
		return f, nil
	}
	if p.terms++; p.terms > MaxTerms {
		return nil, p.wrong("there are too many terms")
	}
	n, err := p.name()
	if err != nil {
		return nil, err
	}
	if p.word == "[" {
		return p.has(n, depth)
	}
	return p.comparison(n)
}

func (p *parser) has(n Name, depth int) (*Filter, error) {
	if n.Sub != "" {
		return nil, p.wrong("a part of an attribute has no brackets")
	}
	p.next()
	f, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.word != "]" {
		return nil, p.wrong("] is missing")
	}
	p.next()
	return &Filter{Op: Has, Name: n, Sub: []*Filter{f}}, nil
}

func (p *parser) comparison(n Name) (*Filter, error) {
	f := &Filter{Name: n, Op: strings.ToLower(p.word)}
	switch f.Op {
	case Pr:
		p.next()
		return f, nil
	case "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le":
	default:
		return nil, p.wrong("an operator is missing: eq, ne, co, sw, ew, gt, ge, lt, le or pr")
	}
	p.next()
	value := p.word
	if !p.text { // true, false and null in any case, as some clients write them
		value = strings.ToLower(value)
	}
	d := json.NewDecoder(strings.NewReader(value))
	d.UseNumber()
	if p.word == "" || d.Decode(&f.Value) != nil || d.More() {
		return nil, p.wrong("a value is missing, such as \"text\" or true")
	}
	switch f.Value.(type) {
	case []any, map[string]any:
		return nil, p.wrong("a value is missing, such as \"text\" or true")
	}
	p.next()
	return f, nil
}

// name reads the name of an attribute, with or without the URN of its schema.
func (p *parser) name() (Name, error) {
	if !word(p.word) {
		return Name{}, p.wrong("the name of an attribute is missing")
	}
	n, attr := Name{}, p.word
	if i := strings.LastIndexByte(attr, ':'); i >= 0 {
		n.Schema, attr = attr[:i], attr[i+1:]
	}
	n.Attr, n.Sub, _ = strings.Cut(attr, ".")
	if n.Attr == "" || strings.HasSuffix(attr, ".") || strings.Contains(n.Sub, ".") || n.Schema != "" && !strings.HasPrefix(strings.ToLower(n.Schema), "urn:") {
		return Name{}, p.wrong("the name of an attribute is missing")
	}
	p.next()
	return n, nil
}

// word tells whether s has the form of a name.
func word(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_$.:", rune(c)) {
			return false
		}
	}
	return true
}
