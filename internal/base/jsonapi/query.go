package jsonapi

import (
	"net/url"
	"strconv"
	"strings"
)

// Op is how a filter compares.
type Op int

// The comparisons: filter[name]=v, filter[name][ne]=v or filter[exclude][name]=v,
// and filter[range][name]=a,b.
const (
	Plain Op = iota
	Not
	Range
)

// Filter is one filter as it was sent. Raw is decoded, with its commas and
// escapes as they are: see Split.
type Filter struct {
	Name string // snake_case
	Op   Op
	Raw  string
}

// Order is one name of sort=a,-b.
type Order struct {
	Name string // snake_case
	Desc bool
}

// Query is the part of a URL after the question mark.
type Query struct {
	Filters []Filter // in the order of their first appearance; of equal ones the last counts
	Strange []string // names of filters that are of no known form
	Sort    []Order
	Include []string // snake_case
	Number  int      // page[number], 0 when it was not given or is no number
	Size    int      // page[size], likewise
	flags   map[string]string
	rest    []pair // everything but the page, for links
}

type pair struct{ name, value string }

// ParseQuery reads a raw query. Of a parameter that is there twice the last one
// counts. Brackets may be escaped or not; a broken escape is taken as it is.
func ParseQuery(raw string) Query {
	q := Query{flags: map[string]string{}}
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		q.add(unescape(name), unescape(value))
	}
	return q
}

func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	u, err := url.QueryUnescape(s)
	if err != nil {
		return s
	}
	return u
}

func (q *Query) add(name, value string) {
	base, keys := brackets(name)
	switch base {
	case "page":
		q.page(keys, value)
		return
	case "filter":
		q.filter(name, keys, value)
	case "sort":
		q.Sort = orders(value)
	case "include":
		q.Include = names(value)
	default:
		q.flags[Snake(name)] = value
	}
	for i := range q.rest {
		if q.rest[i].name == name {
			q.rest[i].value = value
			return
		}
	}
	q.rest = append(q.rest, pair{name, value})
}

// brackets splits filter[range][name] into filter and its keys.
func brackets(name string) (string, []string) {
	base, rest, ok := strings.Cut(name, "[")
	if !ok || !strings.HasSuffix(rest, "]") {
		return name, nil
	}
	return strings.TrimSpace(base), strings.Split(strings.TrimSuffix(rest, "]"), "][")
}

func (q *Query) page(keys []string, value string) {
	if len(keys) != 1 {
		return // page={"number":1} of some clients
	}
	n, err := strconv.Atoi(strings.TrimSpace(value))
	if err != nil || n < 0 {
		return
	}
	switch strings.ToLower(keys[0]) {
	case "number":
		q.Number = n
	case "size", "limit":
		q.Size = n
	}
}

func (q *Query) filter(name string, keys []string, value string) {
	f := Filter{Raw: value}
	switch {
	case len(keys) == 1 && keys[0] != "":
		f.Name = Snake(keys[0])
	case len(keys) == 2 && strings.EqualFold(keys[0], "exclude"):
		f.Name, f.Op = Snake(keys[1]), Not
	case len(keys) == 2 && strings.EqualFold(keys[0], "range"):
		f.Name, f.Op = Snake(keys[1]), Range
	case len(keys) == 2 && strings.EqualFold(keys[1], "ne"):
		f.Name, f.Op = Snake(keys[0]), Not
	case len(keys) == 2 && (strings.EqualFold(keys[1], "eq") || keys[1] == ""):
		f.Name = Snake(keys[0])
	}
	if f.Name == "" {
		q.Strange = append(q.Strange, name)
		return
	}
	for i := range q.Filters {
		if q.Filters[i].Name == f.Name && q.Filters[i].Op == f.Op {
			q.Filters[i] = f
			return
		}
	}
	q.Filters = append(q.Filters, f)
}

func orders(value string) []Order {
	var out []Order
	for _, n := range names(value) {
		desc := strings.HasPrefix(n, "-") || strings.HasPrefix(n, "_") // Snake has turned the sign
		if n = strings.TrimLeft(n, "-_+ "); n != "" {
			out = append(out, Order{Name: n, Desc: desc})
		}
	}
	return out
}

func names(value string) []string {
	var out []string
	for n := range strings.SplitSeq(value, ",") {
		if n = Snake(strings.TrimSpace(n)); n != "" {
			out = append(out, n)
		}
	}
	return out
}

// Filter gives the plain filter of that name.
func (q Query) Filter(name string) (Filter, bool) {
	for _, f := range q.Filters {
		if f.Name == name {
			return f, true
		}
	}
	return Filter{}, false
}

// Flag gives a parameter that is none of JSON:API's own, by its name in snake
// case.
func (q Query) Flag(name string) (string, bool) {
	v, ok := q.flags[name]
	return v, ok
}

// Link appends address with the query of another page: everything that was
// asked, with this page instead of that.
func (q Query) Link(b []byte, address string, number, size int) []byte {
	b = append(b, address...)
	sep := byte('?')
	for _, p := range q.rest {
		b = append(b, sep)
		b = append(b, url.QueryEscape(p.name)...)
		b = append(b, '=')
		b = append(b, url.QueryEscape(p.value)...)
		sep = '&'
	}
	b = append(b, sep)
	b = append(b, "page%5Bnumber%5D="...)
	b = strconv.AppendInt(b, int64(number), 10)
	b = append(b, "&page%5Bsize%5D="...)
	return strconv.AppendInt(b, int64(size), 10)
}

// Split gives the values of a filter: parts between commas, where \, is a comma
// of the value itself; spaces around a part and empty parts are dropped. plain
// tells that no comma separated anything.
func Split(raw string) (parts []string, plain bool) {
	plain = true
	var part strings.Builder
	end := func() {
		if s := strings.TrimSpace(part.String()); s != "" {
			parts = append(parts, s)
		}
		part.Reset()
	}
	for i := 0; i < len(raw); i++ {
		switch {
		case raw[i] == '\\' && i+1 < len(raw) && (raw[i+1] == ',' || raw[i+1] == '\\'):
			i++
			part.WriteByte(raw[i])
		case raw[i] == ',':
			plain = false
			end()
		default:
			part.WriteByte(raw[i])
		}
	}
	end()
	return parts, plain
}

// Snake spells a name in snake case: organization-id, organizationId and
// Organization_Id are organization_id.
func Snake(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == '-' || c >= 'A' && c <= 'Z' {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	b := make([]byte, 0, len(s)+4)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '-':
			b = append(b, '_')
		case c >= 'A' && c <= 'Z':
			if i > 0 && (s[i-1] >= 'a' && s[i-1] <= 'z' || s[i-1] >= '0' && s[i-1] <= '9') {
				b = append(b, '_')
			}
			b = append(b, c+'a'-'A')
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// Kebab spells a snake-case name the way answers do.
func Kebab(s string) string { return strings.ReplaceAll(s, "_", "-") }
