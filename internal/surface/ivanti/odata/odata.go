// Package odata reads the query options of OData that Ivanti Service Manager's clients
// send: which records, in which order, how many, and which of their fields.
//
// Always true: what cannot be read is refused with a sentence that says where; nothing
// is left out in silence, so that a filter never lets more through than it says.
package odata

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
)

// The sizes of a page.
const (
	UsualTop = 25
	MostTop  = 100
)

// Op is a comparison.
type Op string

// The comparisons.
const (
	Equal        Op = "eq"
	NotEqual     Op = "ne"
	Less         Op = "lt"
	LessEqual    Op = "le"
	Greater      Op = "gt"
	GreaterEqual Op = "ge"
	Contains     Op = "contains"
	StartsWith   Op = "startswith"
)

// Term compares a field, called as the client calls it, with a value: nil for null, a
// string, a bool, an int64, a float64 or a time.Time.
type Term struct {
	Field string
	Op    Op
	Value any
}

// Filter is a choice of records: those that meet all terms of one alternative at least.
// None at all is every record.
type Filter [][]Term

// Order sorts by a field.
type Order struct {
	Field string
	Desc  bool
}

// Query is what a request asks for.
type Query struct {
	Filter Filter
	Order  []Order
	Select []string // fields; nil is all of them
	Search string   // words of which all must occur
	Top    int
	Skip   int
}

// Parse reads the options of a request. Names of options are taken in any case; those
// that are not known mean nothing, as do $count, $expand, $format and $apply. The same
// option twice is refused when it says two things. Fault: Invalid.
func Parse(raw string) (Query, error) {
	q := Query{Top: UsualTop}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return q, fault.Wrap(err, fault.Invalid, "The query of the address cannot be read.").WithHint("Percent signs are written %%25, semicolons %%3B.")
	}
	seen := map[string]string{}
	for name, list := range values {
		name = strings.ToLower(name)
		for _, v := range list {
			if was, twice := seen[name]; twice && was != v && strings.HasPrefix(name, "$") {
				return q, fault.New(fault.Invalid, "%s is there twice, and says two things.", name)
			}
			seen[name] = v
		}
	}
	for _, o := range []struct {
		name string
		read func(string) error
	}{
		{"$filter", func(s string) (err error) { q.Filter, err = ParseFilter(s); return err }},
		{"$orderby", func(s string) (err error) { q.Order, err = parseOrder(s); return err }},
		{"$select", func(s string) error { q.Select = parseSelect(s); return nil }},
		{"$search", func(s string) error { q.Search = strings.TrimSpace(s); return nil }},
		{"$top", func(s string) (err error) { q.Top, err = number("$top", s, MostTop); return err }},
		{"$skip", func(s string) (err error) { q.Skip, err = number("$skip", s, 1<<31-1); return err }},
	} {
		if s, ok := seen[o.name]; ok {
			if err := o.read(s); err != nil {
				return q, err
			}
		}
	}
	return q, nil
}

func number(name, s string, most int) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 || n > most {
		return 0, fault.New(fault.Invalid, "%s is a whole number from 0 to %d.", name, most)
	}
	return n, nil
}

// mostOrders is how many fields a list is sorted by at the most.
const mostOrders = 8

func parseOrder(s string) ([]Order, error) {
	var out []Order
	for part := range strings.SplitSeq(s, ",") {
		words := strings.Fields(part)
		if len(words) == 0 || len(words) > 2 || !isName(words[0]) || len(out) == mostOrders {
			return nil, orderFault(s)
		}
		o := Order{Field: words[0]}
		if len(words) == 2 {
			switch strings.ToLower(words[1]) {
			case "asc":
			case "desc":
				o.Desc = true
			default:
				return nil, orderFault(s)
			}
		}
		out = append(out, o)
	}
	return out, nil
}

func orderFault(s string) error {
	return fault.New(fault.Invalid, "$orderby cannot be read: %s", clip(s)).WithHint("It is of the form Field asc, Other desc, with %d fields at the most.", mostOrders)
}

// parseSelect takes names with spaces around them; what is no field is of no meaning.
func parseSelect(s string) []string {
	out := []string{}
	for part := range strings.SplitSeq(s, ",") {
		if name := strings.TrimSpace(part); name == "*" {
			return nil
		} else if isName(name) {
			out = append(out, name)
		}
	}
	return out
}

func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !letter(c) && (i == 0 || !digit(c)) {
			return false
		}
	}
	return s != "" && len(s) <= 128
}

func letter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

func clip(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return fmt.Sprintf("%s…", string(r[:most]))
	}
	return s
}
