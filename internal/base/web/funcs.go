package web

import (
	"fmt"
	"hash/fnv"
	"html/template"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// funcs are the functions that every template may call:
//
//	asset NAME      the address of a static file
//	digest NAME     the attribute by which browsers refuse another file in its place
//	modules         the import map with the digests of all modules
//	icon NAME       an icon of icons.svg, hidden from screen readers
//	pen             what icon, ago and date write, for code that writes many
//	ago TIME        <time> with how long ago, or ahead, it is
//	date TIME       <time> with the day; datetime, clock: with the time of day, the time alone
//	iso TIME        RFC 3339
//	dict K V ...    a map; list V ... a slice
//	slug            of a name; initials of a person, monogram of a thing
//	hue NAME        a number 1 to 8 that stays with the name
//	bytes N         "214 KB"; number N "12,345"; plural N "one" "many"
//	add, percent    arithmetic on whole numbers
func (p *Pages) funcs(static *Static) template.FuncMap {
	return template.FuncMap{
		"asset": static.URL,
		"digest": func(name string) (template.HTMLAttr, error) {
			d, err := static.Integrity(name)
			return template.HTMLAttr(`integrity="` + d + `"`), err // #nosec G203 -- base64
		},
		"modules": func() template.HTML {
			return template.HTML(`<script type="importmap">` + static.Modules() + `</script>`) // #nosec G203 -- names and digests of our own files
		},
		"pen": func() (*Pen, error) {
			url, err := static.URL("icons.svg")
			return &Pen{icons: url, now: p.now()}, err
		},
		"icon": func(name string) (template.HTML, error) {
			url, err := static.URL("icons.svg")
			return template.HTML((&Pen{icons: url}).Icon(nil, name)), err // #nosec G203 -- escaped there
		},
		"ago": func(t time.Time) template.HTML { return element(t, "ago", Ago(t, p.now())) },
		"date": func(t time.Time) template.HTML {
			return element(t, "date", t.Format("2 Jan 2006"))
		},
		"datetime": func(t time.Time) template.HTML {
			return element(t, "datetime", t.Format("2 Jan 2006, 15:04"))
		},
		"clock":    func(t time.Time) template.HTML { return element(t, "clock", t.Format("15:04")) },
		"iso":      func(t time.Time) string { return t.Format(time.RFC3339) },
		"dict":     dict,
		"list":     func(v ...any) []any { return v },
		"slug":     Slug,
		"initials": Initials,
		"monogram": Monogram,
		"hue":      Hue,
		"bytes":    Bytes,
		"number":   Number[int],
		"plural":   plural,
		"add":      func(a, b int) int { return a + b },
		"percent":  percent,
	}
}

func (p *Pages) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

// Pen writes what the functions of the same names give to a template.
type Pen struct {
	icons string // address
	now   time.Time
}

// Icon appends an icon.
func (p *Pen) Icon(b []byte, name string) []byte {
	b = append(append(b, `<svg class="i" aria-hidden="true"><use href="`...), p.icons...)
	return append(append(append(b, '#'), template.HTMLEscapeString(name)...), `"/></svg>`...)
}

// Ago appends how long ago a time is.
func (p *Pen) Ago(b []byte, t time.Time) []byte { return appendTime(b, t, "ago", Ago(t, p.now)) }

// Date appends the day of a time.
func (p *Pen) Date(b []byte, t time.Time) []byte {
	return appendTime(b, t, "date", t.Format("2 Jan 2006"))
}

// element gives <time>; a script refreshes it and shows the exact time in the
// reader's own zone. The zero time is an em dash.
func element(t time.Time, kind, text string) template.HTML {
	return template.HTML(appendTime(nil, t, kind, text)) // #nosec G203 -- digits, and words that are escaped
}

func appendTime(b []byte, t time.Time, kind, text string) []byte {
	if t.IsZero() {
		return append(b, `<span class="mut">—</span>`...)
	}
	b = t.AppendFormat(append(b, `<time datetime="`...), time.RFC3339)
	b = append(append(append(b, `" data-time="`...), kind...), `" title="`...)
	b = t.AppendFormat(b, "Mon 2 Jan 2006, 15:04:05 MST")
	return append(append(append(b, `">`...), template.HTMLEscapeString(text)...), `</time>`...)
}

// Ago says how long before now t was, or how long after, in one rounded unit.
func Ago(t, now time.Time) string {
	d := now.Sub(t)
	ahead := d < 0
	if ahead {
		d = -d
	}
	var s string
	switch {
	case d < 45*time.Second && !ahead:
		return "just now"
	case d < time.Minute:
		s = "1 min"
	case d < time.Hour:
		s = fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		s = fmt.Sprintf("%d h", int(d.Hours()))
	case d < 60*24*time.Hour:
		s = fmt.Sprintf("%d d", int(d.Hours()/24))
	case d < 730*24*time.Hour:
		s = fmt.Sprintf("%d mo", int(d.Hours()/24/30.44))
	default:
		s = fmt.Sprintf("%d y", int(d.Hours()/24/365.25))
	}
	if ahead {
		return "in " + s
	}
	return s + " ago"
}

func dict(kv ...any) (map[string]any, error) {
	if len(kv)%2 != 0 {
		return nil, fmt.Errorf("dict takes pairs, not %d values", len(kv))
	}
	m := map[string]any{}
	for i := 0; i < len(kv); i += 2 {
		k, ok := kv[i].(string)
		if !ok {
			return nil, fmt.Errorf("a key of dict is a text, not %T", kv[i])
		}
		m[k] = kv[i+1]
	}
	return m, nil
}

// Slug gives a name in lower case with everything but letters and digits as
// single hyphens.
func Slug(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(words, "-")
}

// Initials gives the first letters of a name's first and last word, upper case.
func Initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	first := func(w string) string {
		r, _ := utf8.DecodeRuneInString(w)
		return string(unicode.ToUpper(r))
	}
	switch len(words) {
	case 0:
		return "?"
	case 1:
		return first(words[0])
	}
	return first(words[0]) + first(words[len(words)-1])
}

// Monogram gives the first letters of the first two words of a thing's name.
func Monogram(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) > 2 {
		words = words[:2]
	}
	return Initials(strings.Join(words, " "))
}

// Hue gives a number from 1 to 8 that stays with a name.
func Hue(name string) int {
	h := fnv.New32a()
	h.Write([]byte(name))
	return int(h.Sum32()%8) + 1
}

// Bytes gives a size in the largest unit that leaves a number of at most three
// digits before the point; a KB is 1,000 bytes.
func Bytes(n int64) string {
	if n < 1000 {
		return strconv.FormatInt(n, 10) + " B"
	}
	f := float64(n)
	for _, unit := range []string{"KB", "MB", "GB", "TB", "PB"} {
		f /= 1000
		if f < 10 && unit != "KB" {
			return fmt.Sprintf("%.1f %s", f, unit)
		}
		if f < 999.5 {
			return fmt.Sprintf("%.0f %s", f, unit)
		}
	}
	return fmt.Sprintf("%.0f EB", f/1000)
}

// Number gives a whole number with a comma between thousands.
func Number[T ~int | ~int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

func percent(part, whole int) int {
	if whole <= 0 {
		return 0
	}
	return part * 100 / whole
}
