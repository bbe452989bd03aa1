// Package term decides on the conditions of rules.
//
// Always true: a term is a function of two versions of a record and of what is said of
// the occasion; it reads nothing else, and it holds or does not for every value.
package term

import (
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/richtext"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// The comparisons.
const (
	Is       = "is"
	IsNot    = "is not"
	Holds    = "contains"
	HoldsNot = "does not contain"
	Begins   = "begins with"
	Empty    = "is empty"
	Set      = "is not empty"
	More     = "is more than"
	Less     = "is less than"
	Was      = "was"
	WasNot   = "was not"
	Changed  = "has changed"
)

// Ops lists them, for choices.
func Ops() []string {
	return []string{Is, IsNot, Holds, HoldsNot, Begins, Empty, Set, More, Less, Was, WasNot, Changed}
}

// Bare are the comparisons that take no value.
func Bare(op string) bool { return slices.Contains([]string{Empty, Set, Changed}, op) }

// What is said of an occasion, beside the fields of the record.
const (
	Origin    = "origin"     // who brought it about: one of Origins
	EntryType = "entry_type" // of an entry that is written
	Public    = "entry_public"
)

// The origins.
const (
	ByPerson  = "a person"
	ByProgram = "a program"
	ByHouse   = "Strongroom" // mail that comes in, and clocks
	ByRule    = "a rule"
)

// Origins lists them.
func Origins() []string { return []string{ByPerson, ByProgram, ByHouse, ByRule} }

// Term is one condition. Value is as people write it; of a reference, it is the id.
type Term struct{ Field, Op, Value string }

// Facts are what is said of the occasion.
type Facts map[string]string

// Met tells whether a term holds of a record that is now so and was old, which is nil when
// it is new.
func (t Term) Met(now, old *record.Record, said Facts) bool {
	is := read(now, t.Field, said)
	was := ""
	if old != nil {
		was = read(old, t.Field, nil)
	}
	eq := func(a string) bool { return record.Fold(a) == record.Fold(t.Value) }
	switch t.Op {
	case Is:
		return eq(is)
	case IsNot:
		return !eq(is)
	case Holds:
		return strings.Contains(record.Fold(is), record.Fold(t.Value))
	case HoldsNot:
		return !strings.Contains(record.Fold(is), record.Fold(t.Value))
	case Begins:
		return strings.HasPrefix(record.Fold(is), record.Fold(t.Value))
	case Empty:
		return is == ""
	case Set:
		return is != ""
	case More, Less:
		return t.ranks(is)
	case Was:
		return old != nil && eq(was)
	case WasNot:
		return old == nil || !eq(was)
	case Changed:
		return was != is
	}
	return false
}

// ranks compares numbers as numbers, and days and other texts as texts. What is empty is
// neither more nor less.
func (t Term) ranks(is string) bool {
	if is == "" {
		return false
	}
	a, errA := strconv.ParseFloat(is, 64)
	b, errB := strconv.ParseFloat(t.Value, 64)
	if errA == nil && errB == nil {
		return t.Op == More && a > b || t.Op == Less && a < b
	}
	return t.Op == More && is > t.Value || t.Op == Less && is < t.Value
}

// All tells whether all terms hold, or with some set one of them; none hold always.
func All(list []Term, some bool, now, old *record.Record, said Facts) bool {
	for _, t := range list {
		if t.Met(now, old, said) == some {
			return some
		}
	}
	return !some || len(list) == 0
}

// read is a value as terms compare it.
func read(r *record.Record, field string, said Facts) string {
	if s, ok := said[field]; ok {
		return s
	}
	switch field {
	case "name":
		return r.Name
	case "organization_id":
		return r.Org.String()
	case "archived":
		return yes(r.Archived)
	}
	return Text(r.Kind.Field(field), r.Values[field])
}

// Text is a value in the words in which terms and texts have it.
func Text(f *record.Field, v any) string {
	switch x := v.(type) {
	case string:
		if f != nil && f.Type == record.HTML {
			return richtext.Text(x)
		}
		return x
	case bool:
		return yes(x)
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case id.ID:
		return x.String()
	}
	return ""
}

func yes(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}
