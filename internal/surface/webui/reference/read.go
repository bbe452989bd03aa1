package reference

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"strongroom/internal/base/openapi"
)

// reader is a document sorted for reading.
type reader struct {
	doc  *openapi.Document
	tags []*tag // by name
}

// tag is a resource with its calls.
type tag struct {
	openapi.Tag
	calls []call
	below []below
}

// below are the calls of a resource under the records of another one.
type below struct {
	Of    string
	Calls []call
}

// add keeps a call with those of its sort.
func (t *tag) add(c call, path string) {
	of, _, nested := strings.Cut(strings.TrimPrefix(path, "/"), "/{")
	if !nested || !strings.Contains(path, "/relationships/") {
		t.calls = append(t.calls, c)
		return
	}
	i := slices.IndexFunc(t.below, func(b below) bool { return b.Of == of })
	if i < 0 {
		i, t.below = len(t.below), append(t.below, below{Of: of})
	}
	t.below[i].Calls = append(t.below[i].Calls, c)
}

func (t *tag) about() string {
	if t.Description != "" {
		return t.Description
	}
	n := len(t.calls)
	for _, b := range t.below {
		n += len(b.Calls)
	}
	if n == 1 {
		return "1 call"
	}
	return fmt.Sprintf("%d calls", n)
}

// call is one operation.
type call struct {
	ID, Method, Tone string
	Path             []part
	Summary          string
	Takes            []field // what it takes beside the path
	Body             string  // the name of what is sent
	Status           string
	Answer           string
}

// part is a piece of a path; a variable one stands for a value.
type part struct {
	Text     string
	Variable bool
}

// field is an attribute, or a parameter.
type field struct {
	Name, Type, Text      string
	Shown, Sent, Required bool
	Choices               []string
}

func newReader(d *openapi.Document) *reader {
	r := &reader{doc: d}
	for _, t := range d.Tags {
		r.tags = append(r.tags, &tag{Tag: t})
	}
	slices.SortFunc(r.tags, func(a, b *tag) int { return cmp.Compare(a.Name, b.Name) })
	for _, p := range d.Paths {
		for _, o := range p.Value.Operations {
			if t := r.tag(o.Value.Tags[0]); t != nil {
				t.add(r.call(strings.ToUpper(o.Name), p.Name, o.Value), p.Name)
			}
		}
	}
	return r
}

// tag finds a resource by its name; nil when there is none.
func (r *reader) tag(name string) *tag {
	i := slices.IndexFunc(r.tags, func(t *tag) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return r.tags[i]
}

func last(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }

// call reads an operation.
func (r *reader) call(method, path string, o *openapi.Operation) call {
	c := call{ID: o.ID, Method: method, Summary: o.Summary, Tone: map[string]string{"GET": "ok", "POST": "info", "DELETE": "bad"}[method]}
	for s := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		c.Path = append(c.Path, part{Text: "/"})
		c.Path = append(c.Path, part{Text: strings.Trim(s, "{}"), Variable: strings.HasPrefix(s, "{")})
	}
	for _, p := range o.Parameters {
		if p.Ref != "" {
			p = r.doc.Components.Parameters.Get(last(p.Ref))
		}
		c.Takes = append(c.Takes, field{Name: p.Name, Text: p.Description, Type: p.In})
	}
	if o.Body != nil {
		for _, m := range o.Body.Content {
			c.Body = strings.TrimPrefix(c.Body+", or "+m.Name, ", or ")
		}
	}
	for _, a := range o.Responses {
		if a.Name == "default" {
			continue
		}
		c.Status, c.Answer = a.Name, a.Value.Description
		if a.Value.Ref != "" {
			c.Answer = r.doc.Components.Responses.Get(last(a.Value.Ref)).Description
		}
	}
	return c
}

// fields lists the attributes of a resource, in the order of an answer.
func (r *reader) fields(name string) []field {
	var out []field
	shown := r.attributes(name)
	sent, fresh := r.doc.Components.Schemas.Get(name+"-change"), r.doc.Components.Schemas.Get(name+"-new")
	if sent == nil {
		sent, fresh = &openapi.Schema{}, &openapi.Schema{}
	}
	one := func(m openapi.Member[*openapi.Schema], in bool) field {
		return field{Name: m.Name, Type: typeOf(m.Value), Text: m.Value.Description, Shown: in,
			Sent: sent.Properties.Get(m.Name) != nil, Required: slices.Contains(fresh.Required, m.Name), Choices: choices(m.Value)}
	}
	for _, m := range shown {
		out = append(out, one(m, true))
	}
	for _, m := range sent.Properties {
		if shown.Get(m.Name) == nil {
			out = append(out, one(m, false))
		}
	}
	return out
}

func (r *reader) attributes(name string) openapi.Members[*openapi.Schema] {
	s := r.doc.Components.Schemas.Get(name)
	if s == nil {
		return nil
	}
	return s.Properties.Get("attributes").Properties
}

// typeOf names the type of a value in a few words.
func typeOf(s *openapi.Schema) string {
	types := slices.DeleteFunc(slices.Clone(s.Type), func(t string) bool { return t == "null" })
	switch {
	case s.Const != nil:
		return fmt.Sprintf("always %v", s.Const)
	case len(s.Type) > 0 && len(types) == 0:
		return "always null"
	case s.Items != nil && len(s.Items.Type) == 1:
		return "list of " + s.Items.Type[0] + "s"
	case s.Format == "date-time":
		return "moment"
	case s.Format == "date":
		return "day"
	case s.Format == "uri":
		return "address"
	}
	return strings.Join(types, " or ")
}

func choices(s *openapi.Schema) []string {
	var out []string
	for _, v := range s.Enum {
		if t, ok := v.(string); ok {
			out = append(out, t)
		}
	}
	return out
}

// words lists by what lists of a resource can be asked.
func (r *reader) words(name string) []words {
	var out []words
	if p := r.doc.Components.Parameters.Get(name + "-filter"); p != nil {
		w := words{Title: "filter[…]", Text: p.Description}
		for _, m := range p.Schema.Properties {
			w.List = append(w.List, m.Name)
		}
		out = append(out, w)
	}
	for _, by := range []string{"sort", "include"} {
		p := r.doc.Components.Parameters.Get(name + "-" + by)
		if p == nil {
			continue
		}
		w := words{Title: by, Text: p.Description}
		for _, c := range choices(p.Schema.Items) {
			if !strings.HasPrefix(c, "-") {
				w.List = append(w.List, c)
			}
		}
		out = append(out, w)
	}
	return out
}

// sample is a body that makes a new one, as JSON; empty when none is made.
func (r *reader) sample(name string) string {
	s := r.doc.Components.Schemas.Get(name + "-new")
	if s == nil {
		return ""
	}
	attributes := openapi.Members[any]{}
	for _, m := range s.Properties {
		if slices.Contains(s.Required, m.Name) || m.Name == "name" {
			attributes.Set(m.Name, example(m.Value))
		}
	}
	data := openapi.Members[any]{{Name: "type", Value: name}, {Name: "attributes", Value: attributes}}
	text, err := json.MarshalIndent(openapi.Members[any]{{Name: "data", Value: data}}, "", "  ")
	if err != nil {
		return ""
	}
	return string(text)
}

// example is a value of a schema.
func example(s *openapi.Schema) any {
	switch {
	case len(choices(s)) > 0:
		return choices(s)[0]
	case slices.Contains(s.Type, "integer"):
		return 1234
	case slices.Contains(s.Type, "boolean"):
		return true
	case slices.Contains(s.Type, "object"):
		return map[string]any{}
	case slices.Contains(s.Type, "array"):
		return []any{}
	case s.Format == "date":
		return "2026-01-31"
	}
	return "…"
}
