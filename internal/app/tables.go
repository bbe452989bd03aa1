package app

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record"
	"strongroom/internal/feature/importer"
	"strongroom/internal/feature/importer/columns"
	"strongroom/internal/feature/importer/mapping"
)

// Table says how to read a table that is imported from the command line.
type Table struct {
	Kind         string   // password; or KIND:TYPE for a kind of several types
	Organization string   // of all rows
	Mapping      string   // one that was kept
	Columns      []string // HEADING=FIELD, which count more than guesses; an empty field leaves the column out
	Match, Rule  string
	Dates        string
	Source       string
	Clear        bool
	Create       bool // organizations that are missing
}

// TableFile asks for the import of a table from a file of this machine.
type TableFile struct {
	Tenant, Path string
	DryRun       bool
	Table        Table
}

func importTable(ctx context.Context, a *App, f TableFile, progress func(any)) (any, error) {
	file, size, err := readable(f.Path)
	if err != nil {
		return nil, err
	}
	seen, err := columns.Look(file, size, f.Path)
	file.Close()
	if err != nil {
		return nil, err
	}
	c := access.System(f.Tenant, "console")
	var m *columns.Mapping
	err = a.Gate.View(ctx, c, func(tx *gate.Tx) (err error) { m, err = f.Table.mapping(tx, a.Records, seen); return err })
	if err != nil {
		return nil, err
	}
	settings, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	source, o := importer.Source{Path: f.Path}, importer.Options{Layout: columns.Name, Settings: settings, CreateMissingOrganizations: f.Table.Create}
	if f.DryRun {
		return a.Importer.Check(ctx, c, source, o)
	}
	return a.Importer.Run(ctx, c, source, o, func(p importer.Progress) { progress(p) })
}

// mapping puts together what the columns are.
func (t Table) mapping(tx *gate.Tx, records *record.Engine, seen *columns.Seen) (*columns.Mapping, error) {
	m := &columns.Mapping{}
	if t.Mapping != "" {
		kept, err := mapping.Find(tx, t.Mapping)
		if err == nil {
			err = json.Unmarshal([]byte(kept.Data), m)
		}
		if err != nil {
			return nil, err
		}
	}
	known := columns.Recognize(seen.Headings)
	if known != nil && t.Kind == "" && m.Kind == "" {
		if m.Kind = known.Kind; known.Type != "" {
			t.Kind = known.Kind + ":" + known.Type
		}
	}
	k, err := t.kind(tx, records, m)
	if err != nil {
		return nil, err
	}
	targets := columns.Targets(k)
	if len(m.Columns) == 0 {
		m.Columns = columns.Guess(seen.Headings, targets)
		if known != nil && known.Kind == m.Kind {
			m.Columns, m.Match = known.Columns(seen.Headings, targets), known.Match
		}
	}
	if err := t.columns(m, seen, targets); err != nil {
		return nil, err
	}
	if t.Organization != "" {
		if m.Org, err = oneNamed(tx, records, "organization", t.Organization); err != nil {
			return nil, err
		}
	}
	if m.Match == "" && t.Mapping == "" && slices.ContainsFunc(m.Columns, func(c columns.Column) bool { return c.Field == "name" }) {
		m.Match = columns.MatchName
	}
	t.rules(m)
	return m, nil
}

func (t Table) rules(m *columns.Mapping) {
	for _, r := range []struct {
		to   *string
		from string
	}{{&m.Match, t.Match}, {&m.Rule, t.Rule}, {&m.Dates, t.Dates}, {&m.Source, t.Source}} {
		if r.from != "" {
			*r.to = r.from
		}
	}
	if m.Match == "none" {
		m.Match = ""
	}
	if m.Rule == "both" {
		m.Rule = ""
	}
	m.Clear = m.Clear || t.Clear
}

// kind finds the kind, and of several types the one that is named.
func (t Table) kind(tx *gate.Tx, records *record.Engine, m *columns.Mapping) (*record.Kind, error) {
	name, typ, _ := strings.Cut(t.Kind, ":")
	if name != "" {
		m.Kind = strings.ReplaceAll(name, "-", "_")
	}
	if m.Kind == "" {
		return nil, fault.Field("kind", "Nothing says what the rows are.").WithHint("Give -kind, such as -kind password.")
	}
	k := records.Kinds.Kind(m.Kind)
	if k == nil {
		k = records.Kinds.Plural(m.Kind)
	}
	if k == nil || !columns.Importable(k) {
		var all []string
		for _, k := range records.Kinds.Kinds() {
			if columns.Importable(k) {
				all = append(all, k.Name)
			}
		}
		return nil, fault.Field("kind", "There is no kind %q that can be imported.", m.Kind).WithHint("Use one of these: %s.", strings.Join(all, ", "))
	}
	m.Kind = k.Name
	if k.Variants != nil && typ != "" {
		n, err := oneNamed(tx, records, k.Field(k.Variants.By).Ref, typ)
		if err != nil {
			return nil, err
		}
		m.Variant = n
	}
	if k.Variants != nil && m.Variant == 0 {
		return nil, fault.Field("kind", "%s are of several types.", k.Labels).WithHint("Name one: %s:TYPE.", k.Name)
	}
	return records.Shape(tx, m.Kind, m.Variant)
}

// columns takes what the command line says of columns.
func (t Table) columns(m *columns.Mapping, seen *columns.Seen, targets []columns.Target) error {
	for _, s := range t.Columns {
		heading, field, ok := strings.Cut(s, "=")
		if !ok {
			return fault.New(fault.Invalid, "The column %q is not written as HEADING=FIELD.", s)
		}
		found := false
		for _, h := range seen.Headings {
			found = found || h == heading
		}
		if !found {
			return fault.New(fault.Invalid, "The file has no column %q.", heading).WithHint("It has: %s.", strings.Join(seen.Headings, ", "))
		}
		var names []string
		known := field == ""
		for _, to := range targets {
			names = append(names, to.Name)
			known = known || to.Name == field
		}
		if !known {
			return fault.New(fault.Invalid, "There is no field %q.", field).WithHint("Use one of these: %s.", strings.Join(names, ", "))
		}
		set := false
		for i := range m.Columns {
			if m.Columns[i].Heading == heading {
				m.Columns[i].Field, set = field, true
			} else if m.Columns[i].Field == field {
				m.Columns[i].Field = "" // it was a guess
			}
		}
		if !set {
			m.Columns = append(m.Columns, columns.Column{Heading: heading, Field: field})
		}
	}
	return nil
}

// oneNamed finds the one record of a kind with a name.
func oneNamed(tx *gate.Tx, records *record.Engine, kind, name string) (id.ID, error) {
	p, err := records.List(tx, kind, record.Query{Limit: 2, NoTotal: true, Filters: []record.Filter{{Field: "name", Op: record.Eq, Values: []any{name}}}})
	if err != nil {
		return 0, err
	}
	if len(p.Records) != 1 {
		return 0, fault.New(fault.NotFound, "There is no %s %q, or there are several.", strings.ReplaceAll(kind, "_", " "), name).WithHint("Check the name.")
	}
	return p.Records[0].ID, nil
}
