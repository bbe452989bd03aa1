package comment

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/markdown"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// mostMentions is how many people one comment mentions.
const mostMentions = 20

// mostWords is how many words a name has that is mentioned.
const mostWords = 5

var (
	address = regexp.MustCompile(`^[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+`)
	word    = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}'’-]*(?:\.[\p{L}\p{N}][\p{L}\p{N}'’-]*)*`)
)

// Mentioned finds the people whom a plain text mentions as a comment would. Invalid,
// with the field text, where it is not clear who is meant.
func (c *Comments) Mentioned(tx *gate.Tx, plain string) ([]id.ID, error) {
	t, err := c.resolve(tx, plain)
	if err != nil {
		return nil, err
	}
	out := make([]id.ID, len(t.people))
	for i, p := range t.people {
		out[i] = p.id
	}
	return out, nil
}

// resolve finds the people whom a text mentions, as @ and a name or an e-mail
// address, and writes it as HTML in which they stand out. What follows an @ and
// is nobody's name is text. Code is left as it is.
func (c *Comments) resolve(tx *gate.Tx, source string) (*text, error) {
	out := &text{source: source}
	var md strings.Builder
	met := map[id.ID]bool{}
	code := &codes{}
	for i := 0; i < len(source); {
		if source[i] != '@' || code.upTo(source, i) || !begins(source[:i]) || len(met) == mostMentions {
			md.WriteByte(source[i])
			i++
			continue
		}
		p, n, err := c.who(tx, source[i+1:])
		if err != nil {
			return nil, err
		}
		if p == nil {
			md.WriteByte('@')
			i++
			continue
		}
		md.WriteString("**@" + escape(p.name) + "**")
		i += 1 + n
		if !met[p.id] {
			met[p.id] = true
			out.people = append(out.people, *p)
		}
	}
	html, err := markdown.HTML(md.String())
	out.html = html
	return out, err
}

// begins tells whether a mention may stand behind a text.
func begins(before string) bool {
	r, _ := utf8.DecodeLastRuneInString(before)
	return before == "" || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '@' && r != '.' && r != '\\'
}

// codes tells where a text is code: between fences or marks on a line.
type codes struct {
	at    int
	fence bool
	marks bool
}

// upTo reads as far as i and tells whether that place is in code.
func (c *codes) upTo(s string, i int) bool {
	for ; c.at < i; c.at++ {
		start := c.at == 0 || s[c.at-1] == '\n'
		switch {
		case start && strings.HasPrefix(s[c.at:], "```"):
			c.fence, c.marks = !c.fence, false
			c.at += 2
		case s[c.at] == '\n':
			c.marks = false
		case s[c.at] == '`':
			c.marks = !c.marks
		}
	}
	return c.fence || c.marks
}

// escape keeps the characters of a name from being read as Markdown.
func escape(name string) string {
	var out strings.Builder
	for _, r := range name {
		if strings.ContainsRune("\\`*_{}[]()#+-.!~<>&|", r) {
			out.WriteByte('\\')
		}
		out.WriteRune(r)
	}
	return out.String()
}

// who finds the person that a text begins with, and how many bytes that are; nil
// when it is nobody. Invalid when it could be several.
func (c *Comments) who(tx *gate.Tx, s string) (*person, int, error) {
	if m := address.FindString(s); m != "" {
		m = strings.TrimRight(m, ".-")
		return c.byAddress(tx, m)
	}
	ends := []int{}
	for at := 0; len(ends) < mostWords; {
		n := len(word.FindString(s[at:]))
		if n == 0 {
			break
		}
		ends = append(ends, at+n)
		if at += n; at >= len(s) || s[at] != ' ' {
			break
		}
		at++
	}
	if len(ends) == 0 {
		return nil, 0, nil
	}
	return byName(tx, s, ends)
}

func (c *Comments) byAddress(tx *gate.Tx, address string) (*person, int, error) {
	k := c.Records.Kinds.Kind("user")
	if k == nil || k.Field("email") == nil {
		return nil, 0, nil
	}
	p, err := c.Records.List(tx, "user", record.Query{Archived: "no", Limit: 1, NoTotal: true, Only: []string{"email"},
		Filters: []record.Filter{{Field: "email", Op: record.Eq, Values: []any{address}}}})
	if err != nil || len(p.Records) == 0 {
		return nil, 0, err
	}
	return &person{p.Records[0].ID, p.Records[0].Name}, len(address), nil
}

// byName looks for whole names, the longest first, then for a first name that one
// person alone has.
func byName(tx *gate.Tx, s string, ends []int) (*person, int, error) {
	first := record.Fold(s[:ends[0]])
	names := make([]any, len(ends))
	for i, e := range ends {
		names[i] = record.Fold(s[:e])
	}
	sees, args := tx.Visible("r")
	like := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(first) + ` %`
	rows, err := tx.Query(`select r.id, r.name, r.name_fold from record r where r.kind = 'user' and r.trashed_at is null and r.archived = 0
		and (r.name_fold in (`+access.Marks(len(names))+`) or r.name_fold like ? escape '\') and `+sees+` order by r.name_fold, r.id limit 50`,
		append(append(names, like), args...)...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	found := map[string][]person{}
	var starting []person
	for rows.Next() {
		var n int64
		var p person
		var fold string
		if err := rows.Scan(&n, &p.name, &fold); err != nil {
			return nil, 0, err
		}
		p.id = id.ID(n)
		found[fold] = append(found[fold], p)
		if strings.HasPrefix(fold, first+" ") {
			starting = append(starting, p)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, 0, err
	}
	for i := len(ends) - 1; i >= 0; i-- {
		if people := found[names[i].(string)]; len(people) > 0 {
			return one(people, s[:ends[i]], ends[i])
		}
	}
	if len(starting) == 0 {
		return nil, 0, nil
	}
	return one(starting, s[:ends[0]], ends[0])
}

// one is the only person meant.
func one(people []person, written string, n int) (*person, int, error) {
	if len(people) == 1 {
		return &people[0], n, nil
	}
	var names []string
	for _, p := range people[:min(len(people), 5)] {
		if len(names) == 0 || names[len(names)-1] != p.name {
			names = append(names, p.name)
		}
	}
	if len(names) == 1 {
		return nil, 0, fault.Field("text", "@%s could be one of several people of that name. Write the e-mail address after the @.", written)
	}
	return nil, 0, fault.Field("text", "@%s could be %s. Write the whole name, or the e-mail address after the @.", written, strings.Join(names, " or "))
}
