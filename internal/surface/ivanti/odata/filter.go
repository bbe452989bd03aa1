package odata

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"strongroom/internal/base/fault"
)

// The limits of a filter: its text in bytes, how deep its brackets go, and how many
// alternatives and comparisons it has when it is written out.
const (
	mostText  = 16 << 10
	mostDepth = 30
	mostTerms = 500
)

// ParseFilter reads a $filter: comparisons (eq, ne, lt, le, gt, ge) of a field with a
// value, contains and startswith, joined by and, or and brackets. tolower and toupper
// may stand around a field, and change nothing, since case is of no account. Values are
// 'text' with ” doubled inside, numbers, true, false, null (also '$NULL'), and dates and
// times in ISO 8601 without quotes. Fault: Invalid.
func ParseFilter(s string) (Filter, error) {
	if len(s) > mostText {
		return nil, fault.New(fault.Invalid, "The filter is longer than %d bytes.", mostText)
	}
	if !utf8.ValidString(s) {
		return nil, fault.New(fault.Invalid, "The filter is no UTF-8.")
	}
	p := &parser{text: s}
	p.next()
	f := p.or(0)
	if p.err == nil && p.tok != "" {
		p.fail("it goes on with %s, where and, or, or its end was expected", clip(p.tok))
	}
	if p.err != nil {
		return nil, p.err
	}
	return f, nil
}

// parser reads a filter from left to right. After an error every step does nothing.
type parser struct {
	text string
	pos  int    // behind tok
	tok  string // the present word, or "" at the end
	from int    // where tok begins
	err  error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fault.New(fault.Invalid, "The filter cannot be read at character %d: "+format+".", append([]any{utf8.RuneCountInString(p.text[:p.from]) + 1}, args...)...).
			WithHint("A filter is of the form Status eq 'Active' and (Priority eq '1' or Priority eq '2').")
	}
	p.tok = ""
}

// dates are bare dates and times. A plus sign that stands for a space in addresses has
// become one.
var dates = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|z|[-+ ][0-9]{2}:[0-9]{2})?)?`)

// next takes the next word: a name, a value as it is written, or a sign.
func (p *parser) next() {
	if p.err != nil {
		return
	}
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	p.from = p.pos
	rest := p.text[p.pos:]
	switch {
	case rest == "":
		p.tok = ""
		return
	case rest[0] == '\'':
		p.quoted()
		return
	case strings.IndexByte("(),", rest[0]) >= 0:
		p.tok = rest[:1]
	case letter(rest[0]):
		n := 1
		for n < len(rest) && (letter(rest[n]) || digit(rest[n]) || rest[n] == '/') {
			n++
		}
		p.tok = rest[:n]
	case digit(rest[0]) || rest[0] == '-':
		if p.tok = dates.FindString(rest); p.tok == "" {
			n := 1
			for n < len(rest) && (digit(rest[n]) || letter(rest[n]) || strings.IndexByte(".:-+", rest[n]) >= 0) {
				n++
			}
			p.tok = rest[:n]
		}
	default:
		r, _ := utf8.DecodeRuneInString(rest)
		p.fail("%q has no meaning there", string(r))
		return
	}
	p.pos += len(p.tok)
}

// quoted takes a text in quotes, with them.
func (p *parser) quoted() {
	for i := p.pos + 1; i < len(p.text); i++ {
		if p.text[i] != '\'' {
			continue
		}
		if i+1 < len(p.text) && p.text[i+1] == '\'' {
			i++
			continue
		}
		p.tok, p.pos = p.text[p.pos:i+1], i+1
		return
	}
	p.fail("a text has no end")
}

func (p *parser) is(word string) bool { return strings.EqualFold(p.tok, word) }

func (p *parser) want(sign string) {
	if p.err == nil && p.tok != sign {
		p.fail("%s was expected", sign)
		return
	}
	p.next()
}

func (p *parser) or(depth int) Filter {
	f := p.and(depth)
	for p.err == nil && p.is("or") {
		p.next()
		f = append(f, p.and(depth)...)
		p.bound(f)
	}
	return f
}

func (p *parser) and(depth int) Filter {
	f := p.one(depth)
	for p.err == nil && p.is("and") {
		p.next()
		f = p.both(f, p.one(depth))
	}
	return f
}

// both are the alternatives of two filters that both must be met.
func (p *parser) both(a, b Filter) Filter {
	n := 0
	for _, x := range a {
		for _, y := range b {
			if n += len(x) + len(y); n > mostTerms {
				p.fail("it is too long when it is written out")
				return nil
			}
		}
	}
	var out Filter
	for _, x := range a {
		for _, y := range b {
			out = append(out, append(append(make([]Term, 0, len(x)+len(y)), x...), y...))
		}
	}
	return out
}

func (p *parser) bound(f Filter) {
	n := 0
	for _, all := range f {
		n += len(all)
	}
	if n > mostTerms {
		p.fail("it has more than %d comparisons", mostTerms)
	}
}

// one reads a comparison, or a filter in brackets.
func (p *parser) one(depth int) Filter {
	switch {
	case p.err != nil:
		return nil
	case p.tok == "(":
		if depth == mostDepth {
			p.fail("its brackets go deeper than %d", mostDepth)
			return nil
		}
		p.next()
		f := p.or(depth + 1)
		p.want(")")
		return f
	case p.is("not"):
		p.fail("not is not supported: use ne, or turn the comparison round")
		return nil
	case p.is("contains"), p.is("startswith"):
		return p.call()
	}
	t := Term{Field: p.field()}
	switch op := Op(strings.ToLower(p.tok)); op {
	case Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual:
		t.Op = op
	default:
		p.fail("a comparison was expected: eq, ne, lt, le, gt or ge")
		return nil
	}
	p.next()
	if t.Value = p.value(); t.Value == nil && t.Op != Equal && t.Op != NotEqual {
		p.fail("nothing is less or greater than null")
	}
	return Filter{{t}}
}

// call reads contains(Field,'text') and startswith.
func (p *parser) call() Filter {
	t := Term{Op: Op(strings.ToLower(p.tok))}
	p.next()
	p.want("(")
	t.Field = p.field()
	p.want(",")
	text, ok := p.value().(string)
	if p.err == nil && (!ok || text == "") {
		p.fail("%s takes a text that is not empty", t.Op)
	}
	t.Value = text
	p.want(")")
	return Filter{{t}}
}

// field reads the name of a field, perhaps within tolower or toupper.
func (p *parser) field() string {
	name := p.tok
	if p.err == nil && !isName(name) {
		p.fail("the name of a field was expected")
		return ""
	}
	p.next()
	if p.err != nil || p.tok != "(" {
		return name
	}
	if !strings.EqualFold(name, "tolower") && !strings.EqualFold(name, "toupper") {
		p.fail("the function %s is not supported", clip(name))
		return ""
	}
	p.next()
	if name = p.tok; p.err == nil && !isName(name) {
		p.fail("the name of a field was expected")
	}
	p.next()
	p.want(")")
	return name
}

func (p *parser) value() any {
	if p.err != nil {
		return nil
	}
	v, ok := literal(p.tok)
	if !ok {
		p.fail("a value was expected: a 'text', a number, a date, true, false or null")
		return nil
	}
	p.next()
	return v
}

// literal reads a value as it is written.
func literal(s string) (any, bool) {
	switch low := strings.ToLower(s); {
	case s == "":
		return nil, false
	case s[0] == '\'':
		text := strings.ReplaceAll(s[1:len(s)-1], "''", "'")
		if strings.EqualFold(text, "$NULL") {
			return nil, true
		}
		return text, true
	case low == "null":
		return nil, true
	case low == "true", low == "false":
		return low == "true", true
	case dates.FindString(s) == s:
		at, ok := Time(s)
		return at, ok
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	if !strings.ContainsAny(s, "xXpPnN_") { // forms of Go alone
		if n, err := strconv.ParseFloat(s, 64); err == nil {
			return n, true
		}
	}
	return nil, false
}

// Time reads a date or a time as clients write them: with or without seconds, fraction
// and zone, which is UTC when there is none.
func Time(s string) (time.Time, bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if i := strings.LastIndexByte(s, ' '); i > 0 {
		s = s[:i] + "+" + s[i+1:]
	}
	for _, form := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", time.RFC3339Nano} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
