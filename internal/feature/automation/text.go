package automation

import (
	"strings"

	"strongroom/internal/core/record"
	"strongroom/internal/feature/automation/term"
	"strongroom/internal/feature/journal/entry"
)

// EntriesOf is the field by which an entry names a record of a kind; "" where there are no
// entries.
func EntriesOf(e *record.Engine, k *record.Kind) string {
	if e.Kinds.Kind(entry.Kind) == nil {
		return ""
	}
	return entry.FieldOf(k.Name)
}

// TasksOf is the field by which a task names one; "" where it names none.
func TasksOf(e *record.Engine, k *record.Kind) string {
	if t := e.Kinds.Kind("task"); t != nil && k.Name != "task" && t.Field(k.Name+"_id") != nil {
		return k.Name + "_id"
	}
	return ""
}

// Expand puts values of a record into a text, where it names their fields in braces. What
// is personal is not put anywhere, and what is no field stays.
func Expand(text string, r *record.Record) string {
	if !strings.Contains(text, "{") {
		return text
	}
	var b strings.Builder
	for rest := text; rest != ""; {
		before, after, ok := strings.Cut(rest, "{")
		b.WriteString(before)
		if !ok {
			break
		}
		name, tail, closed := strings.Cut(after, "}")
		f := Field(r.Kind, name)
		switch {
		case !closed:
			b.WriteString("{" + after)
			return b.String()
		case f == nil || f.Class == record.Personal:
			b.WriteString("{" + name + "}")
		case f.Type == record.Ref && r.Names[name] != "":
			b.WriteString(r.Names[name])
		case f.Series != "":
			n, _ := r.Values[name].(int64)
			b.WriteString(f.Numbered(n))
		default:
			b.WriteString(term.Text(f, Value(r, name)))
		}
		rest = tail
	}
	return b.String()
}
