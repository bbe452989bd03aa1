// Package columns says what the columns of a table are: which can be imported as
// what, follows from the declarations of the kinds.
//
// Always true: a column is one field at most, and a field comes from one column; a
// guess is taken from headings alone.
package columns

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
)

// Name is what the layout of tables is called.
const Name = "csv"

// Mapping says what the columns of a file are, and what becomes of its rows.
type Mapping struct {
	Kind    string   `json:"kind"`
	Variant id.ID    `json:"variant,omitempty"`      // of a kind with variants
	Org     id.ID    `json:"organization,omitempty"` // that all rows belong to; 0 when a column names it
	Columns []Column `json:"columns"`
	Dates   string   `json:"dates,omitempty"`  // DayFirst or MonthFirst; else as 2026-11-22
	Match   string   `json:"match,omitempty"`  // how a row is known to be a record that is here: MatchName, MatchID or a field; empty: it is not
	Rule    string   `json:"rule,omitempty"`   // CreateOnly or UpdateOnly; else both
	Clear   bool     `json:"clear,omitempty"`  // an empty cell clears the field; else it leaves it alone
	Source  string   `json:"source,omitempty"` // of the ids by which MatchID knows a row; empty: csv
}

// Column says what one column is.
type Column struct {
	Heading string            `json:"heading"`
	Field   string            `json:"field"`            // empty: it is not read
	Values  map[string]string `json:"values,omitempty"` // of a choice: what a cell says, folded, and what is meant
}

// The ways to know a row, beside fields.
const (
	MatchName = "name" // by the name within the organization
	MatchID   = "id"   // by the id in another system, which a column holds
)

// The rules.
const (
	CreateOnly = "create"
	UpdateOnly = "update"
)

// How dates are written.
const (
	DayFirst   = "dmy" // 22.11.2026, 22/11/2026
	MonthFirst = "mdy" // 11/22/2026
)

// Targets that are no fields of a kind.
const (
	Organization = "organization"
	Archived     = "archived"
	External     = "external_id"
	FullName     = "name" // of who has a first and a last name
)

// Target is what a column can be.
type Target struct {
	Name  string // in Column.Field
	Label string
	Field *record.Field // nil of the organization and the external id
}

// Secret tells whether what is in the column must not be shown.
func (t *Target) Secret() bool { return t.Field != nil && t.Field.Type == record.Secret }

// Joins tells whether several columns can be this: a long text or a list holds them all.
func (t *Target) Joins() bool {
	return t.Field != nil && (t.Field.Type == record.Multiline || t.Field.Type == record.HTML || t.Field.Type == record.Rows)
}

// Importable tells whether rows can become records of a kind.
func Importable(k *record.Kind) bool { return !k.Admin && !k.Fixed }

// Targets lists what columns can be for a kind, or for a variant of one.
func Targets(k *record.Kind) []Target {
	var out []Target
	if k.Scope == record.OfOrganization || k.Scope == record.OfParent {
		out = append(out, Target{Name: Organization, Label: "Organization"})
	}
	if !k.HasName() && k.Field("first_name") != nil && k.Field("last_name") != nil {
		out = append(out, Target{Name: FullName, Label: "Full name", Field: &record.Field{Name: FullName, Type: record.Text}})
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		switch {
		case f.ReadOnly, f.Own, f.Type == record.Files:
		case k.Variants != nil && f.Name == k.Variants.By:
		case f.Type == record.Refs && f.Ref == "":
		case f.Type == record.Rows && !lists(f):
		default:
			out = append(out, Target{Name: f.Name, Label: f.Title(), Field: f})
		}
	}
	return append(out,
		Target{Name: Archived, Label: "Archived", Field: &record.Field{Name: Archived, Type: record.Bool}},
		Target{Name: External, Label: "Id in the other system"})
}

// lists tells whether a field of rows is a list of values, as e-mail addresses are.
func lists(f *record.Field) bool {
	return slices.ContainsFunc(f.Rows, func(c record.Field) bool { return c.Name == "value" })
}

// Find finds what a column can be by its name; nil when there is no such.
func Find(list []Target, name string) *Target {
	if i := slices.IndexFunc(list, func(t Target) bool { return t.Name == name }); i >= 0 {
		return &list[i]
	}
	return nil
}

// Matches lists the fields by which a row of a kind can be known.
func Matches(k *record.Kind) []*record.Field {
	var out []*record.Field
	for i := range k.Fields {
		f := &k.Fields[i]
		if f.Name != "name" && f.Trait == 0 && f.Type == record.Text && !f.ReadOnly && !f.Own && (f.Unique || f.Filter) {
			out = append(out, f)
		}
	}
	return out
}

// words are what people call columns, beside the names and labels of fields.
var words = map[string][]string{
	Organization:     {"organisation", "client", "client_name", "company", "company_name", "customer", "organization_name", "account"},
	External:         {"external_id", "foreign_id", "id"},
	"name":           {"title", "display_name", "asset_name", "full_name"},
	"hostname":       {"host", "host_name", "computer_name", "device_name"},
	"serial_number":  {"serial", "serial_no", "service_tag"},
	"primary_ip":     {"ip", "ip_address"},
	"mac_address":    {"mac"},
	"username":       {"user", "user_name", "login", "account_name"},
	"password":       {"secret", "pass", "pwd"},
	"otp_secret":     {"otp", "totp", "totp_secret", "otp_secret_key"},
	"url":            {"uri", "website", "link", "web_address"},
	"notes":          {"note", "comment", "comments", "remarks"},
	"address_1":      {"address", "street", "address1", "street_address"},
	"address_2":      {"address2"},
	"postal_code":    {"zip", "zip_code", "postcode"},
	"region_id":      {"state", "province", "county"},
	"contact_emails": {"email", "e_mail", "email_address", "emails", "mail"},
	"contact_phones": {"phone", "telephone", "phone_number", "phones", "mobile"},
}

// plain is a heading as it is compared.
func plain(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return strings.ContainsRune(" _-./:*", r) }), "_")
}

// Guess proposes what columns are, by their headings. A field is proposed once.
func Guess(headings []string, targets []Target) []Column {
	out := make([]Column, len(headings))
	taken := map[string]bool{}
	for _, names := range []func(*Target) []string{exact, spoken} {
		for i, h := range headings {
			if out[i].Heading = h; out[i].Field != "" {
				continue
			}
			for t := range targets {
				if name := targets[t].Name; !taken[name] && slices.Contains(names(&targets[t]), plain(h)) {
					out[i].Field, taken[name] = name, true
					break
				}
			}
		}
	}
	return out
}

func exact(t *Target) []string {
	out := []string{t.Name, plain(t.Label)}
	if t.Field != nil && (t.Field.Type == record.Ref || t.Field.Type == record.Refs) {
		out = append(out, strings.TrimSuffix(t.Name, "_id"))
	}
	return out
}

func spoken(t *Target) []string {
	out := words[t.Name]
	if t.Field != nil {
		out = slices.Concat(out, t.Field.Headings)
	}
	return out
}

// Check sees that the rules fit the columns. Invalid names what is wrong.
func (m *Mapping) Check(k *record.Kind) error {
	has := func(name string) bool {
		return slices.ContainsFunc(m.Columns, func(c Column) bool { return c.Field == name })
	}
	field := m.Match != "" && m.Match != MatchName && m.Match != MatchID
	switch {
	case !slices.ContainsFunc(m.Columns, func(c Column) bool { return c.Field != "" }):
		return fault.New(fault.Invalid, "No column is mapped to a field.").WithHint("Say for at least one column what it is.")
	case m.Match == MatchID && !has(External):
		return fault.Field("match", "No column is the id in the other system, by which rows are to be known.").WithHint("Choose that column, or another way to know rows.")
	case slices.ContainsFunc(m.Columns, func(c Column) bool { return c.Field != "" && Find(Targets(k), c.Field) == nil }):
		return fault.New(fault.Invalid, "A column is mapped to a field that %s do not have.", strings.ToLower(k.Labels)).WithHint("Map the columns again.")
	case m.Match == MatchName && k.HasName() && !has("name"):
		return fault.Field("match", "No column is the name, by which rows are to be known.").WithHint("Choose that column, or another way to know rows.")
	case field && !slices.ContainsFunc(Matches(k), func(f *record.Field) bool { return f.Name == m.Match }):
		return fault.Field("match", "Rows cannot be known by %q.", m.Match).WithHint("Choose another way to know rows.")
	case field && !has(m.Match):
		return fault.Field("match", "No column is %q, by which rows are to be known.", k.Field(m.Match).Title()).WithHint("Choose that column, or another way to know rows.")
	case m.Rule == UpdateOnly && m.Match == "":
		return fault.Field("match", "To change records, rows must be known by something.").WithHint("Choose by what, or create only.")
	case m.Org == 0 && !has(Organization) && k.Scope == record.OfOrganization && !k.Shared:
		return fault.Field("organization", "Nothing says to which organization the rows belong.").WithHint("Choose one for all rows, or the column that names it.")
	}
	for i, a := range m.Columns {
		for _, b := range m.Columns[:i] {
			if a.Field != "" && a.Field == b.Field && !Find(Targets(k), a.Field).Joins() {
				return fault.New(fault.Invalid, "The columns %q and %q are both %s.", b.Heading, a.Heading, Find(Targets(k), a.Field).Label).WithHint("Choose one of them.")
			}
		}
	}
	return nil
}
