package desk

import (
	"cmp"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/record"
)

// TagField is the field of a ticket that holds its tags: words with commas between.
const TagField = "tags"

// The bounds of what is tagged.
const mostTags, mostTag = 20, 40

// Tagged is that field.
func Tagged() record.Field {
	return record.Field{Name: TagField, Type: record.Text, Class: record.Internal, Filter: true, Search: true, Hint: "Words with commas between, such as printer, branch office."}
}

// TagsOf reads tags: in small letters, each once, in their order.
func TagsOf(text string) []string {
	var out []string
	for _, t := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
		if t = strings.ToLower(strings.Join(strings.Fields(t), " ")); t != "" {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Tag gives the tags of a ticket with some more and without others, as its field holds them.
func Tag(now string, add, remove string) string {
	gone := TagsOf(remove)
	list := slices.DeleteFunc(TagsOf(now+","+add), func(t string) bool { return slices.Contains(gone, t) })
	return strings.Join(list, ", ")
}

// tidied brings tags into their form.
func tidied(now *record.Record) error {
	said := now.Values.Text(TagField)
	if said == "" || now.Kind.Field(TagField) == nil {
		return nil
	}
	list := TagsOf(said)
	if len(list) > mostTags {
		return fault.Field(TagField, "These are more than %d tags.", mostTags).WithHint("Keep those by which somebody will look for it.")
	}
	for _, t := range list {
		if len([]rune(t)) > mostTag {
			return fault.Field(TagField, "A tag has at most %d letters, and %q has more.", mostTag, t).WithHint("Write commas between tags.")
		}
	}
	if delete(now.Values, TagField); len(list) > 0 {
		now.Values[TagField] = strings.Join(list, ", ")
	}
	return nil
}

// mostTagged is how many tickets of each kind are read to suggest tags.
const mostTagged = 500

// Tags are those on the latest tickets that have some, open or not, as far as the caller may see
// these; those that are most used first.
func Tags(tx *gate.Tx, kinds *record.Registry, most int) ([]string, error) {
	var parts []string
	var args []any
	for _, k := range queued() {
		if kinds.Kind(k.kind) == nil {
			continue
		}
		sees, who := tx.Visible("r")
		parts = append(parts, `select k.tags from (select id, tags from k_`+k.kind+` where tags > '' order by id desc limit ?) k join record r on r.id = k.id where r.trashed_at is null and `+sees)
		args = append(append(args, mostTagged), who...)
	}
	if len(parts) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(strings.Join(parts, ` union all `), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	used := map[string]int{}
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		for _, t := range TagsOf(s) {
			used[t]++
		}
	}
	out := make([]string, 0, len(used))
	for t := range used {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Or(cmp.Compare(used[b], used[a]), strings.Compare(a, b)) })
	return out[:min(len(out), most)], rows.Err()
}
