package record

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/richtext"
	"strongroom/internal/core/compare"
	"strongroom/internal/core/id"
	"strongroom/internal/core/scalar"
)

// Values are the values of a record by field name, of the Go types given at
// Type. A key with nil clears the field; a missing key leaves it alone.
type Values map[string]any

// Clone copies the map.
func (v Values) Clone() Values { return maps.Clone(v) }

// Text gives a string value, or "".
func (v Values) Text(name string) string { s, _ := v[name].(string); return s }

// Bool gives a bool value, or false.
func (v Values) Bool(name string) bool { b, _ := v[name].(bool); return b }

// ID gives a reference, or 0.
func (v Values) ID(name string) id.ID { i, _ := v[name].(id.ID); return i }

// IDs gives the references of a Refs field.
func (v Values) IDs(name string) []id.ID { l, _ := v[name].([]id.ID); return l }

// Rows gives the rows of a Rows field.
func (v Values) Rows(name string) []map[string]any { r, _ := v[name].([]map[string]any); return r }

// Fold is compare.Fold, in which texts are compared, sorted and kept unique.
func Fold(s string) string { return compare.Fold(s) }

// MaxText is how long a one-line text may be, in bytes; MaxLong the others.
const (
	MaxText = 4 << 10
	MaxLong = 8 << 20
)

// Parse turns what came from a form, a CSV cell or JSON into the field's Go
// type. Empty strings are nil. Invalid names the field.
func (f *Field) Parse(in any) (any, error) {
	if s, ok := in.(string); ok && f.Type != Secret {
		if f.Type == Text || f.Type == Choice || f.Type == Ref || f.Type == Date {
			s = strings.TrimSpace(s)
		}
		if s == "" {
			return nil, nil
		}
		in = s
	}
	if in == nil {
		return nil, nil
	}
	switch f.Type {
	case Text, Multiline, HTML, Choice, Secret:
		return f.text(in)
	case Integer, Time:
		return f.integer(in)
	case Number:
		return f.number(in)
	case Bool:
		return f.bool(in)
	case Date:
		return f.date(in)
	case Ref:
		return f.ref(in)
	case Refs:
		return f.refs(in)
	case Rows:
		return f.rows(in)
	case Files:
		return nil, nil
	}
	return nil, fault.New(fault.Internal, "field %s has the unknown type %s", f.Name, f.Type)
}

func (f *Field) bad(format string, args ...any) error {
	return fault.Field(f.Name, f.Title()+" "+format, args...)
}

func (f *Field) text(in any) (any, error) {
	s, ok := in.(string)
	if !ok {
		switch n := in.(type) {
		case json.Number, float64, int64, int, bool:
			s = fmt.Sprint(n)
		default:
			return nil, f.bad("must be text.")
		}
	}
	if strings.ContainsRune(s, 0) {
		return nil, f.bad("holds a NUL character.")
	}
	if !utf8.ValidString(s) {
		return nil, f.bad("is not valid UTF-8.")
	}
	limit := MaxLong
	if f.Type == Text || f.Type == Choice {
		limit = MaxText
		s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
	}
	if len(s) > limit {
		return nil, f.bad("is longer than %d bytes.", limit)
	}
	if f.Type == HTML {
		s = richtext.Clean(s)
	}
	if f.Type == Choice && !slices.Contains(f.Choices, s) {
		return nil, f.bad("must be one of: %s.", strings.Join(f.Choices, ", "))
	}
	return s, f.format(s)
}

// format checks only what is surely wrong: imports hold what people wrote.
func (f *Field) format(s string) error {
	switch f.Format {
	case Email:
		if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
			return f.bad("must be an e-mail address, such as name@example.com.")
		}
	case URL:
		if u, err := url.Parse(s); err != nil || strings.EqualFold(u.Scheme, "javascript") || strings.EqualFold(u.Scheme, "data") {
			return f.bad("must be an address, such as https://example.com.")
		}
	case IP:
		if strings.ContainsAny(s, "<>\"") {
			return f.bad("must be an IP address.")
		}
		if a, err := netip.ParseAddr(s); err == nil && a.Zone() != "" {
			return f.bad("must be an IP address without a zone.")
		}
	}
	return nil
}

func (f *Field) integer(in any) (any, error) {
	if f.Type == Time {
		if n, ok := scalar.Moment(in); ok {
			return n, nil
		}
		return nil, f.bad("must be a time, such as 2026-11-22T10:30:00Z.")
	}
	if n, ok := scalar.Integer(in, f.Series); ok {
		return n, nil
	}
	return nil, f.bad("must be a whole number.")
}

func (f *Field) number(in any) (any, error) {
	if n, ok := scalar.Number(in); ok {
		return n, nil
	}
	return nil, f.bad("must be a number.")
}

func (f *Field) bool(in any) (any, error) {
	if b, ok := scalar.Bool(in); ok {
		return b, nil
	}
	return nil, f.bad("must be yes or no.")
}

func (f *Field) date(in any) (any, error) {
	s, _ := in.(string)
	if strings.HasPrefix(s, "0001-01-01") { // the zero time of some API clients
		return nil, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02 15:04:05", "2006-01-02 15:04:05 MST", "2006-01-02T15:04:05", "1/2/2006", "01/02/2006"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format(time.DateOnly), nil
		}
	}
	return nil, f.bad("must be a date, such as 2026-11-22.")
}

func (f *Field) ref(in any) (any, error) {
	switch n := in.(type) {
	case id.ID:
		if n == 0 {
			return nil, nil
		}
		return n, nil
	case float64:
		if n == math.Trunc(n) && n > 0 && id.ID(n) <= id.Max {
			return id.ID(n), nil
		}
	case int64:
		return f.ref(id.ID(n))
	case json.Number:
		return f.ref(n.String())
	case string:
		if v, ok := id.Parse(n); ok {
			return v, nil
		}
	}
	if f.Ref == "" {
		return nil, f.bad("must be the id of a record.")
	}
	return nil, f.bad("must be the id of a %s.", strings.ReplaceAll(f.Ref, "_", " "))
}

// maxRefs is how many records a Refs field may name.
const maxRefs = 500

// refs reads a list of ids, or one; ids that are there twice count once.
func (f *Field) refs(in any) (any, error) {
	var list []any
	switch l := in.(type) {
	case []id.ID:
		for _, n := range l {
			list = append(list, n)
		}
	case []any:
		list = l
	case string:
		if strings.HasPrefix(l, "[") {
			if err := json.Unmarshal([]byte(l), &list); err != nil {
				return nil, f.bad("must be a list in JSON.")
			}
			break
		}
		for _, s := range strings.Split(l, ",") {
			list = append(list, strings.TrimSpace(s))
		}
	default:
		list = []any{in}
	}
	if len(list) > maxRefs {
		return nil, f.bad("names more than %d records.", maxRefs)
	}
	var out []id.ID
	for _, item := range list {
		if m, ok := item.(map[string]any); ok { // as programs read it: {"id": ...}
			item = m["id"]
		}
		if item == "" || item == nil {
			continue
		}
		v, err := f.ref(item)
		if err != nil {
			return nil, err
		}
		if n, ok := v.(id.ID); ok && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	if out == nil {
		return nil, nil
	}
	return out, nil
}

func (f *Field) rows(in any) (any, error) {
	if s, ok := in.(string); ok {
		if err := json.Unmarshal([]byte(s), &in); err != nil {
			return nil, f.bad("must be a list in JSON.")
		}
	}
	var list []any
	switch l := in.(type) {
	case []any:
		list = l
	case []map[string]any:
		for _, m := range l {
			list = append(list, m)
		}
	default:
		return nil, f.bad("must be a list.")
	}
	if len(list) > 1000 {
		return nil, f.bad("has more than 1,000 rows.")
	}
	var out []map[string]any
	for i, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			return nil, f.bad("row %d must be an object.", i+1)
		}
		row, err := f.row(i, m)
		if err != nil {
			return nil, err
		}
		if len(row) > 0 {
			out = append(out, row)
		}
	}
	if out == nil {
		return nil, nil
	}
	return out, nil
}

func (f *Field) row(i int, m map[string]any) (map[string]any, error) {
	row := map[string]any{}
	for _, col := range f.Rows {
		v, ok := m[col.Name]
		if !ok {
			v = m[strings.ReplaceAll(col.Name, "_", "-")]
		}
		p, err := col.Parse(v)
		if err != nil {
			return nil, f.bad("row %d: %s", i+1, fault.Say(err).Text)
		}
		if p != nil {
			row[col.Name] = p
		}
	}
	for _, col := range f.Rows {
		if col.Required && row[col.Name] == nil && len(row) > 0 {
			return nil, f.bad("row %d: %s is missing.", i+1, col.Title())
		}
	}
	return row, nil
}
