package scim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/surface/scim/query"
)

// The bounds of what is sent.
const (
	maxBody       = 4 << 20
	maxOperations = 200
	maxValues     = 20_000 // of one list
	maxLevels     = 8      // objects and lists within each other
)

// problem is a failure as SCIM tells it.
type problem struct {
	status int
	kind   string // scimType, or ""
	text   string
}

func (p *problem) Error() string { return p.text }

// Unwrap gives the kind of failure that it is, for the log.
func (p *problem) Unwrap() error {
	kind := fault.Invalid
	switch p.status {
	case http.StatusUnauthorized:
		kind = fault.Unauthorized
	case http.StatusPreconditionFailed:
		kind = fault.Conflict
	}
	return fault.New(kind, "%s", p.text)
}

func bad(kind, text string) *problem { return &problem{http.StatusBadRequest, kind, text} }

// sent reads the object that a request brings. What names a member twice, in whatever
// letters, is refused: two readers could see two things in it.
func sent(r *http.Request) (map[string]any, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
	d.UseNumber()
	v, err := value(d, 0)
	if p, ok := errors.AsType[*problem](err); ok {
		return nil, p
	}
	doc, ok := v.(map[string]any)
	if err != nil || !ok {
		return nil, bad("invalidSyntax", "The body is no object of JSON.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, bad("invalidSyntax", "Something stands behind the object of JSON.")
	}
	return doc, nil
}

// value reads one value of JSON.
func value(d *json.Decoder, level int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	open, ok := t.(json.Delim)
	switch {
	case !ok:
		return t, nil
	case level >= maxLevels:
		return nil, bad("invalidSyntax", "The body is nested too deeply.")
	case open == '[':
		list := []any{}
		for d.More() {
			v, err := value(d, level+1)
			if err != nil {
				return nil, err
			}
			if list = append(list, v); len(list) > maxValues {
				return nil, &problem{http.StatusRequestEntityTooLarge, "tooMany", "A list has more than 20,000 values."}
			}
		}
		_, err := d.Token()
		return list, err
	case open == '{':
		out, seen := map[string]any{}, map[string]bool{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			key, _ := name.(string)
			if low := strings.ToLower(key); seen[low] {
				return nil, bad("invalidSyntax", "The body says "+clip(key)+" twice.")
			} else {
				seen[low] = true
			}
			if out[key], err = value(d, level+1); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		return out, err
	}
	return nil, errors.New("a bracket too many")
}

// clip shortens what was sent for a sentence.
func clip(s string) string {
	r := []rune(strings.ToValidUTF8(s, "?"))
	if len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return string(r)
}

// speaks sees that a body is of a schema, where it names some.
func speaks(doc map[string]any, schema string) error {
	v := query.Get(doc, "schemas")
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	if !ok || !slices.ContainsFunc(list, func(v any) bool { s, _ := v.(string); return strings.EqualFold(s, schema) }) {
		return bad("invalidSyntax", "The body is not of the schema "+schema+".")
	}
	return nil
}

// read takes of what was sent the attributes that are kept and may be written, each in its
// one form. Everything else, roles and passwords among it, is left out.
func (r *resource) read(doc map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for key, v := range doc {
		n := query.Name{Attr: key}
		if i := strings.LastIndexByte(key, ':'); i >= 0 {
			n = query.Name{Schema: key[:i], Attr: key[i+1:]}
		}
		a := r.find(n)
		if a == nil || a.readOnly() {
			continue
		}
		got, err := a.take(v)
		if err != nil {
			return nil, err
		}
		out[a.Name] = got
	}
	return out, nil
}

// take reads a value of the attribute; nil stands for none.
func (a *attribute) take(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if !a.Multi {
		if l, ok := v.([]any); ok && len(l) == 1 { // as some clients write one value
			v = l[0]
		}
		return a.one(v)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := []any{}
	for _, x := range list {
		got, err := a.one(x)
		if err != nil {
			return nil, err
		}
		if got != nil {
			out = append(out, got)
		}
	}
	return out, nil
}

// one reads one value.
func (a *attribute) one(v any) (any, error) {
	if a.Type == "complex" {
		if s, ok := v.(string); ok && a.Multi { // a list of ids instead of objects
			v = map[string]any{"value": s}
		}
		m, ok := v.(map[string]any)
		if !ok {
			return nil, bad("invalidValue", a.Name+" is not written as its schema says.")
		}
		out := map[string]any{}
		for key, x := range m {
			p := a.part(key)
			if p == nil || p.readOnly() {
				continue
			}
			got, err := p.one(x)
			if err != nil {
				return nil, err
			}
			if got != nil {
				out[p.Name] = got
			}
		}
		return out, nil
	}
	if m, ok := v.(map[string]any); ok && !a.Multi { // as some clients write one value
		v = query.Get(m, "value")
	}
	switch x := v.(type) {
	case nil:
		return nil, nil
	case bool:
		if a.Type == "boolean" {
			return x, nil
		}
	case json.Number:
		if a.Type == "string" {
			return x.String(), nil
		}
	case string:
		if a.Type != "boolean" {
			return x, nil
		}
		switch strings.ToLower(strings.TrimSpace(x)) { // as some clients write them
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	}
	return nil, bad("invalidValue", a.Name+" is not written as its schema says.")
}
