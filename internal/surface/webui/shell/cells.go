package shell

import (
	"encoding/json"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"strongroom/internal/base/richtext"
	"strongroom/internal/base/web/ui"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Cell shows one field of a record in one line.
func (v *Visit) Cell(r *record.Record, f *record.Field) ui.Cell {
	val := r.Values[f.Name]
	if f.Type == record.Ref {
		return v.RefCell(r, f)
	}
	if val == nil {
		return ui.Cell{}
	}
	switch f.Type {
	case record.Bool:
		on, _ := val.(bool)
		return ui.Cell{Type: "bool", Number: bit(on)}
	case record.Date:
		day := r.Values.Text(f.Name)
		if r.Kind.Ended != "" && r.Values.Bool(r.Kind.Ended) {
			return v.DateCell(&record.Field{}, day)
		}
		c := v.DateCell(f, day)
		if c.Type == "pill" {
			c.Text = v.PillOf(r.Kind, day).Text
		}
		return c
	case record.Time:
		ms, _ := val.(int64)
		if f.Format == record.Moment { // often ahead
			return ui.Cell{Type: "datetime", Time: time.UnixMilli(ms).UTC()}
		}
		return ui.Cell{Type: "ago", Time: time.UnixMilli(ms).UTC()}
	case record.Integer:
		n, _ := val.(int64)
		if f.Of != "" {
			return partCell(n, r.Values[f.Of])
		}
		if f.Series != "" {
			return ui.Cell{Type: "mono", Text: f.Numbered(n)}
		}
		return ui.Cell{Type: "num", Number: n, Text: strconv.FormatInt(n, 10)}
	case record.Text:
		return textCell(f, r.Values.Text(f.Name))
	case record.Choice:
		if f.Name == "status" {
			return ui.Cell{Type: "status", Text: Plain(val), Tone: statusTone(Plain(val))}
		}
	case record.Refs:
		return ui.Cell{Text: clip(LinkNames(r, f), 90)}
	case record.HTML:
		return ui.Cell{Text: clip(richtext.Text(r.Values.Text(f.Name)), 90), Type: "mut"}
	case record.Multiline:
		return ui.Cell{Text: clip(r.Values.Text(f.Name), 90), Type: "mut"}
	}
	return ui.Cell{Text: Plain(val)}
}

// partCell shows a number as a part of another: 3 of 8.
func partCell(n int64, of any) ui.Cell {
	all, _ := of.(int64)
	if all == 0 {
		return ui.Cell{Type: "mut", Text: "None"}
	}
	return ui.Cell{Text: strconv.FormatInt(n, 10) + " of " + strconv.FormatInt(all, 10)}
}

// LinkNames gives the names of what a list of references names, as far as the
// caller may see it.
func LinkNames(r *record.Record, f *record.Field) string {
	var names []string
	for _, n := range r.Values.IDs(f.Name) {
		if l, ok := r.Links[n]; ok {
			names = append(names, l.Name)
		}
	}
	return strings.Join(names, ", ")
}

func bit(on bool) int64 {
	if on {
		return 1
	}
	return 0
}

func clip(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		return strings.TrimSpace(string(r[:n-1])) + "…"
	}
	return s
}

// RefCell shows what a record refers to; empty when the caller does not see it.
func (v *Visit) RefCell(r *record.Record, f *record.Field) ui.Cell {
	name, ok := r.Names[f.Name]
	if !ok {
		return ui.Cell{}
	}
	if strings.HasSuffix(f.Ref, "_status") {
		return ui.Cell{Type: "status", Text: name, Tone: statusTone(name)}
	}
	k := v.Records.Kinds.Kind(f.Ref)
	if k.Scope == record.OfTenant { // lists that everything refers to: a word, no place to go
		return ui.Cell{Text: name}
	}
	return ui.Cell{Text: name, Href: RecordURL(k, r.Values.ID(f.Name))}
}

// LinkCells shows what a list of references refers to, as far as the caller sees
// it.
func (v *Visit) LinkCells(r *record.Record, f *record.Field) []ui.Cell {
	var out []ui.Cell
	for _, n := range r.Values.IDs(f.Name) {
		if l, ok := r.Links[n]; ok {
			c := ui.Cell{Text: l.Name}
			if k := v.Kind(l.Kind); k != nil {
				c.Href = RecordURL(k, n)
			}
			out = append(out, c)
		}
	}
	return out
}

// statusTone guesses a status' colour by its name: tenants name theirs freely.
func statusTone(name string) string {
	n := strings.ToLower(name)
	for _, t := range []struct{ tone, words string }{
		{"", "inactive retired decommission disposed archived closed cancel withdrawn completed"},
		{"bad", "repair broken fault lost stolen down denied rejected"},
		{"wait", "offboarding maintenance waiting hold pending suspended deferred"},
		{"plan", "planned onboarding ordered new staged prospect logged draft submitted requested proposed"},
		{"busy", "stock spare reserved investigation identified accepted reassigned scheduled"},
		{"ok", "active use live production deployed resolved fulfilled implemented approved published"},
	} {
		for w := range strings.FieldsSeq(t.words) {
			if strings.Contains(n, w) {
				return t.tone
			}
		}
	}
	return ""
}

func textCell(f *record.Field, s string) ui.Cell {
	switch f.Format {
	case record.IP, record.MAC, record.Mono:
		return ui.Cell{Type: "mono", Text: s, Copy: true}
	case record.Email:
		return ui.Cell{Text: s, Href: "mailto:" + s, Copy: true}
	case record.Phone:
		return ui.Cell{Text: s, Href: "tel:" + strings.ReplaceAll(s, " ", "")}
	case record.URL:
		return URLCell(s)
	}
	if f.Name == "primary_email" {
		return ui.Cell{Text: s, Href: "mailto:" + s}
	}
	return ui.Cell{Text: s}
}

// URLCell links to other sites by http and https only.
func URLCell(s string) ui.Cell {
	u, err := url.Parse(s)
	if err == nil && u.Scheme == "" && strings.Contains(s, ".") && !strings.ContainsAny(s, " \t") {
		u, err = url.Parse("https://" + s)
	}
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ui.Cell{Type: "mono", Text: s, Copy: true}
	}
	return ui.Cell{Type: "url", Text: clip(strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://"), "/"), 48), Href: u.String()}
}

// DateCell shows a day; one that something runs out on, by how near it is.
func (v *Visit) DateCell(f *record.Field, day string) ui.Cell {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return ui.Cell{Text: day}
	}
	if !f.Expires {
		return ui.Cell{Type: "date", Time: t}
	}
	if p := v.ExpiryPill(day); p.Tone == "bad" || p.Tone == "warn" {
		return ui.Cell{Type: "pill", Text: p.Text, Tone: p.Tone, Sub: day}
	}
	return ui.Cell{Type: "date", Time: t}
}

// ExpiryPill says how many days are left until a day.
func (v *Visit) ExpiryPill(day string) ui.Pill {
	left := v.DaysLeft(day)
	switch {
	case left < 0:
		return ui.Pill{Text: "Expired", Tone: "bad"}
	case left == 0:
		return ui.Pill{Text: "Today", Tone: "bad"}
	case left <= 30:
		return ui.Pill{Text: Days(left), Tone: "bad"}
	case left <= 90:
		return ui.Pill{Text: Days(left), Tone: "warn"}
	}
	return ui.Pill{Text: Days(left)}
}

// PillOf is ExpiryPill in the words of a kind: work that comes to an end is
// overdue, and nothing that expires.
func (v *Visit) PillOf(k *record.Kind, day string) ui.Pill {
	p := v.ExpiryPill(day)
	if k.Ended != "" && v.DaysLeft(day) < 0 {
		p.Text = "Overdue"
	}
	return p
}

// Days counts days: "1 day", "12 days".
func Days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return strconv.Itoa(n) + " days"
}

// Today is the day that it is, in UTC.
func (v *Visit) Today() time.Time { return v.Now().UTC().Truncate(24 * time.Hour) }

// DaysLeft counts the days until a day as dates are kept; below 0 it is over.
func (v *Visit) DaysLeft(day string) int {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0
	}
	return int(t.Sub(v.Today()).Hours() / 24)
}

// Plain gives any value as text: for CSV, comparing and forms.
func Plain(val any) string {
	switch x := val.(type) {
	case nil:
		return ""
	case string:
		return x
	case bool:
		if x {
			return "Yes"
		}
		return "No"
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case []id.ID:
		var list []string
		for _, n := range x {
			list = append(list, n.String())
		}
		return strings.Join(list, ",")
	case id.ID:
		return x.String()
	}
	b, err := json.Marshal(val)
	if err != nil {
		return ""
	}
	return string(b)
}

// Prose gives a long text as HTML: what people wrote as HTML was sanitised when
// it was saved and is sanitised again, plain text is escaped.
func Prose(f *record.Field, s string) template.HTML {
	if f.Type == record.HTML {
		return template.HTML(richtext.Clean(s)) // #nosec G203 -- sanitised here
	}
	return template.HTML(richtext.FromText(s)) // #nosec G203 -- escaped there
}

// When turns stored milliseconds into a time; 0 is the zero time.
func When(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// IconField is the reference that IconOf goes by, where a kind has it.
const IconField = "configuration_type_id"

// IconOf gives the picture of a record: by its type where that says more.
func IconOf(r *record.Record) string {
	name := strings.ToLower(r.Names[IconField])
	if r.Kind.Name != "configuration" || name == "" {
		return r.Kind.Icon
	}
	for _, t := range [][2]string{
		{"virtual", "box"}, {"server", "server-2"}, {"workstation", "device-desktop"}, {"desktop", "device-desktop"}, {"laptop", "device-laptop"}, {"notebook", "device-laptop"},
		{"tablet", "device-mobile"}, {"phone", "phone"}, {"print", "printer"}, {"firewall", "shield-check"}, {"router", "router"}, {"switch", "switch-3"},
		{"wireless", "wifi"}, {"access point", "wifi"}, {"storage", "database"}, {"nas", "database"}, {"camera", "camera"}, {"ups", "battery"}, {"power", "battery"},
	} {
		if strings.Contains(name, t[0]) {
			return t[1]
		}
	}
	return r.Kind.Icon
}
