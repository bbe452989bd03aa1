package record

import (
	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/compare"
	"strongroom/internal/core/id"
)

// match is a filter by a trait: the condition that a row t of the table trait
// meets. Where it is many, several rows of one record may.
type match struct {
	cond string
	args []any
	many bool
}

// match adds a filter by a trait.
func (b *builder) match(f Filter, field *Field) error {
	if !field.keyed() {
		return fault.New(fault.Invalid, "%s cannot be filtered by %s.", b.kind.Labels, field.Title())
	}
	keys, err := b.keys(f, field)
	if err != nil {
		return err
	}
	switch f.Op {
	case Null:
		b.without(field, `t.key is not null`)
	case NotNull:
		b.with(field, `t.key is not null`)
	case Eq:
		if len(keys) == 0 {
			b.add(`1 = 0`)
			return nil
		}
		b.with(field, `t.key in (`+access.Marks(len(keys))+`)`, keys...)
	case Ne:
		if len(keys) > 0 {
			b.without(field, `t.key in (`+access.Marks(len(keys))+`)`, keys...)
		}
	case Contains, Prefix:
		return b.matchPart(f, field, keys)
	case Range:
		return b.matchRange(f, field, keys)
	default:
		return fault.New(fault.Invalid, "The comparison %s is not known.", string(f.Op))
	}
	return nil
}

// with asks for a row of the trait, without for there being none.
func (b *builder) with(field *Field, cond string, args ...any) {
	b.matches = append(b.matches, match{`t.field_id = ? and ` + cond, append([]any{int64(field.Trait)}, args...), field.Type == Refs})
}

func (b *builder) without(field *Field, cond string, args ...any) {
	b.add(`not exists (select 1 from trait t where t.record_id = r.id and t.field_id = ? and `+cond+`)`, append([]any{int64(field.Trait)}, args...)...)
}

// keys gives the values of a filter as the table has them.
func (b *builder) keys(f Filter, field *Field) ([]any, error) {
	keys := make([]any, len(f.Values))
	for i, v := range f.Values {
		if s, ok := v.(string); ok && field.Type != Text && field.Type != Choice {
			p, err := field.Parse(s)
			if err != nil {
				return nil, err
			}
			if list, many := p.([]id.ID); many && len(list) > 0 {
				p = list[0]
			}
			v = p
		}
		var ok bool
		if keys[i], ok = compare.Key(v); !ok {
			return nil, fault.New(fault.Invalid, "%s cannot be filtered by %s with this value.", b.kind.Labels, field.Title())
		}
	}
	return keys, nil
}

// matchPart finds a part of a text.
func (b *builder) matchPart(f Filter, field *Field, keys []any) error {
	s, ok := "", len(keys) == 1
	if ok {
		s, ok = keys[0].(string)
	}
	if !ok || field.Type != Text && field.Type != Choice {
		return fault.New(fault.Invalid, "%s is no text: it cannot be searched for a part.", field.Title())
	}
	s = escapeLike(s) + `%`
	if f.Op == Contains {
		s = `%` + s
	}
	b.with(field, `t.key like ? escape '\'`, s)
	return nil
}

// matchRange finds what lies between two values.
func (b *builder) matchRange(f Filter, field *Field, keys []any) error {
	if len(keys) != 2 {
		return fault.New(fault.Invalid, "The filter on %s needs a beginning and an end.", f.Field)
	}
	cond, args := `t.key is not null`, []any(nil)
	if keys[0] != nil {
		cond, args = cond+` and t.key >= ?`, append(args, keys[0])
	}
	if keys[1] != nil {
		cond, args = cond+` and t.key <= ?`, append(args, keys[1])
	}
	b.with(field, cond, args...)
	return nil
}

// traitOrder lets a list be sorted by one trait, before all else.
func (b *builder) traitOrder(o Order, place int) (expr string, folded, ok bool) {
	f := b.kind.Field(o.Field)
	if f == nil || f.Trait == 0 || place > 0 || !f.keyed() || f.Type == Ref || f.Type == Refs {
		return "", false, false
	}
	b.trait = f
	return "o.key", true, true
}
