package view

import (
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/record"
)

// The words behind the name of a field in the address of a list, when it is not narrowed
// to one value: created_at.from, owner_id.unset.
const (
	From   = ".from"   // that or later, that or more
	Before = ".before" // earlier than that, less than that
	Unset  = ".unset"  // 1: not set; 0: set
)

// Narrow reads one condition of the address of a list: the name of a field, with one of the
// words behind it or none, and what is said of it. It is not known when it names no field by
// which the list can be narrowed; Invalid for a value that is none of the field's.
func Narrow(k *record.Kind, name, said string) (f record.Filter, known bool, err error) {
	base, word, dotted := strings.Cut(name, ".")
	field := k.Field(base)
	if field == nil && (base == "created_at" || base == "updated_at") && dotted {
		field = &record.Field{Name: base, Type: record.Time, Filter: true}
	}
	if field == nil || field.Type == record.Secret || field.Type == record.Refs || !field.Filter && field.Type != record.Ref && !(dotted && field.Sort) {
		return f, false, nil
	}
	f.Field = base
	switch {
	case !dotted:
		f.Op = record.Eq
	case "."+word == Unset && field.Trait == 0:
		if f.Op = record.Null; said == "0" {
			f.Op = record.NotNull
		}
		return f, true, nil
	case "."+word == From || "."+word == Before:
		return between(field, "."+word, said)
	default:
		return f, false, nil
	}
	v, err := field.Parse(said)
	f.Values = []any{v}
	return f, true, err
}

// between is a condition with one end. What is before a day or number has the one before as its
// last, since both ends of a range are in it.
func between(field *record.Field, word, said string) (f record.Filter, known bool, err error) {
	f = record.Filter{Field: field.Name, Op: record.Range, Values: []any{nil, nil}}
	var v any
	switch field.Type {
	case record.Time:
		v, err = moment(field, said)
	case record.Integer:
		v, err = field.Parse(said)
	default:
		return f, false, nil
	}
	n, ok := v.(int64)
	switch {
	case err != nil:
		return f, true, err
	case !ok:
		return f, true, fault.Field(field.Name, "%s is narrowed from or before something that is none.", field.Title())
	case word == From:
		f.Values[0] = n
	default:
		f.Values[1] = n - 1
	}
	return f, true, nil
}

// moment reads a moment: a day, which begins in UTC, a moment with its zone, or milliseconds.
func moment(field *record.Field, said string) (any, error) {
	if n, err := strconv.ParseInt(said, 10, 64); err == nil && n >= 0 {
		return n, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, said); err == nil && t.UnixMilli() >= 0 {
			return t.UnixMilli(), nil
		}
	}
	return nil, fault.Field(field.Name, "%s takes a day such as 2026-11-23, or a moment such as 2026-11-23T09:00:00Z.", field.Title())
}

// Words says in words what a condition with one of the words behind it demands; empty for
// others.
func Words(k *record.Kind, name, said string) string {
	base, word, _ := strings.Cut(name, ".")
	title := map[string]string{"created_at": "Created", "updated_at": "Updated"}[base]
	if f := k.Field(base); f != nil {
		title = f.Title()
	}
	if n, err := strconv.ParseInt(said, 10, 64); err == nil && n > 1e11 {
		said = time.UnixMilli(n).UTC().Format("2006-01-02 15:04")
	}
	said = strings.TrimSuffix(strings.Replace(said, "T", " ", 1), ":00Z")
	switch "." + word {
	case From:
		return title + ": from " + said
	case Before:
		return title + ": before " + said
	case Unset:
		if said == "0" {
			return title + ": any"
		}
		return title + ": none"
	}
	return ""
}
