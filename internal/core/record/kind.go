package record

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/core/access"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/tally"
)

// Scope says what a record of a kind belongs to.
type Scope int

// The scopes.
const (
	OfOrganization Scope = iota // to one organization, field organization_id
	OfTenant                    // to the tenant as a whole: types, statuses, users
	OfParent                    // to another record, named by the field Kind.Parent, whose access it shares
	Organization                // the kind organization itself
	OfPerson                    // to one user, whom core/access lets see it alone: see access.Personal
)

// Type is the type of a field. The Go type of its value is given with each; a
// missing key or nil means not set.
type Type string

// The types of fields.
const (
	Text      Type = "text"      // string, one line
	Multiline Type = "multiline" // string, plain text of several lines
	HTML      Type = "html"      // string, sanitised HTML
	Integer   Type = "integer"   // int64
	Number    Type = "number"    // float64
	Bool      Type = "bool"      // bool
	Date      Type = "date"      // string, 2006-01-02
	Time      Type = "time"      // int64, Unix milliseconds
	Choice    Type = "choice"    // string, one of Choices
	Ref       Type = "ref"       // id.ID of a record of kind Ref
	Refs      Type = "refs"      // []id.ID of records of kind Ref, or of any kind when that is empty
	Rows      Type = "rows"      // []map[string]any, each with the columns Rows
	Secret    Type = "secret"    // string, write only; read through a reveal
	Files     Type = "files"     // no value: files attached under the field's name, see feature/attachment
)

// Format says how a text is checked and shown.
type Format string

// The formats of Text fields, and of some others.
const (
	Plain   Format = ""
	Email   Format = "email"
	URL     Format = "url"
	Phone   Format = "phone"
	IP      Format = "ip"
	MAC     Format = "mac"
	Mono    Format = "mono"   // serial numbers, host names
	Otpauth Format = "otp"    // a Secret that is a one-time-code seed
	Moment  Format = "moment" // a Time that people fill in; others are set by rules
)

// Class says how sensitive a field is. The zero Class is the most careful one.
type Class int

// The classes.
const (
	Unclassified Class = iota // treated as secret by logs, metrics and anonymised exports
	Public
	Internal
	Personal
)

// Dependence says which end of a reference or relation fails with the other.
type Dependence string

// The dependences, as seen from the record that refers.
const (
	Independent Dependence = ""
	DependsOn   Dependence = "depends on" // it fails with what it refers to
	UsedBy      Dependence = "used by"    // what it refers to fails with it
)

// Dependences lists what can be chosen, for choices and checks.
func Dependences() []string { return []string{string(DependsOn), string(UsedBy)} }

// Turned is the same as seen from the other end.
func (d Dependence) Turned() Dependence {
	switch d {
	case DependsOn:
		return UsedBy
	case UsedBy:
		return DependsOn
	}
	return Independent
}

// Field declares one field of a kind.
type Field struct {
	Name   string // snake_case, as in the database and the API
	Label  string // for people; derived from Name when empty
	Type   Type
	Format Format
	Class  Class
	Ref    string // kind that a Ref points to
	// RefVariant narrows Ref to the records of one variant.
	RefVariant id.ID
	Depends    Dependence // of a Ref or Refs: the record on what it refers to, or the other way round
	Choices    []string   // of a Choice
	Rows       []Field    // columns of a Rows field

	Required bool
	Unique   bool // no two records of the kind have the same, case-insensitively
	ReadOnly bool // set by rules, never by a caller
	Kept     bool // of a ReadOnly field: an export holds it, and an import sets it
	Filter   bool // callers may filter by it; it is indexed
	Sort     bool // callers may sort by it
	Search   bool // found by the search
	List     bool // a column of the derived list
	Expires  bool // a Date that appears on the expirations board
	Own      bool // of a user: seen by administrators and by herself only, and neither filtered nor sorted by
	Default  any
	Trait    id.ID  // of a trait, see Variants: the id of the record that declares it
	Hint     string // one sentence for the form
	Group    string // heading of the form under which it stands

	// Of, of an Integer, names the field with the number of which this is a part:
	// both are shown together, as 3 of 8.
	Of string
	// Series, of an Integer, is what stands before it: the INC of INC-1042.
	Series string
	// Headings are further names that the field's column has in tables of other
	// products, in snake case; see Kind.Sheet.
	Headings []string
}

// Numbered is a number as people write it, with its series.
func (f *Field) Numbered(n int64) string { return f.Series + "-" + strconv.FormatInt(n, 10) }

// Title is the label for people.
func (f *Field) Title() string {
	if f.Label != "" {
		return f.Label
	}
	s := strings.ReplaceAll(strings.TrimSuffix(f.Name, "_id"), "_", " ")
	return strings.ToUpper(s[:1]) + s[1:]
}

// Stages are the states of a kind, as others ask for them. A rule of the kind holds its
// records to them; core/lifecycle has the usual one.
type Stages interface {
	StateField() string         // the Choice field that holds the state
	Next(state string) []string // the states that may follow one
}

// Kind declares a kind of record. Names and labels are required, the rest has
// usable zero values.
type Kind struct {
	Name   string // singular snake_case: configuration_type
	Plural string // plural snake_case: configuration_types; also the URL segment and, with hyphens, the JSON:API type
	Label  string // Configuration type
	Labels string // Configuration types
	Icon   string // name in the icon sprite

	Scope  Scope
	Parent string // OfParent: the Ref field that names the parent
	// Parents are further Ref fields that may name the parent instead, of another kind
	// each: a record has one parent.
	Parents []string
	Shared  bool       // OfOrganization: a record may belong to none; it then is for all, and changed by who changes the tenant's lists
	Admin   bool       // only administrators may change it
	Fixed   bool       // nobody may change it: countries, regions
	Menu    int        // position in the navigation and among an organization's tabs; 0 is not there
	Ended   string     // the Bool field that says of a record that it is over: none of its dates expires any more
	Days    tally.Days // what is counted of it by day
	Sheet   bool       // its records lie in a table of IT Glue's export, called like the plural, with a column for each field
	Fields  []Field
	Seed    []Values // records of a new tenant
	Life    Stages   // its states and moves; nil for a kind that has none

	// Variants, when set, lets tenants design further fields; Variant is, of the
	// kind of such a record, the id of what declares them.
	Variants *Variants
	Variant  id.ID

	// NameOf gives a record's name when it is not a field of its own.
	NameOf func(Values) string
	// Before may check and complete what is about to be saved; old is nil for a
	// new record. Fault kinds: Invalid with fields.
	Before func(tx *gate.Tx, now, old *Record) error
	// After runs once the record is saved, in the same transaction; Guarded once its access is.
	After, Guarded func(tx *gate.Tx, now, old *Record) error

	cols   []*Field  // columns(), once the kind is in a registry
	traits []*Field  // of a variant, those that have values of their own
	home   *Registry // that one
}

// Engine works on the records of all kinds that are declared together with k: a
// rule of one kind writes records of another with it. What it writes is a change
// like any other, decided, recorded and kept as a revision.
func (k *Kind) Engine() *Engine { return &Engine{Kinds: k.home} }

// ParentBy is the field by which a record of k names a parent of that kind; nil when
// none lives within one.
func (k *Kind) ParentBy(kind string) *Field {
	if k.Scope == OfParent {
		for _, name := range append([]string{k.Parent}, k.Parents...) {
			if f := k.Field(name); f.Ref == kind {
				return f
			}
		}
	}
	return nil
}

// NamesParent tells whether a field names the parent.
func (k *Kind) NamesParent(field string) bool {
	return k.Scope == OfParent && (field == k.Parent || slices.Contains(k.Parents, field))
}

// Table is the kind's own table.
func (k *Kind) Table() string { return "k_" + k.Name }

// JSONType is the kind's type in the JSON:API.
func (k *Kind) JSONType() string { return strings.ReplaceAll(k.Plural, "_", "-") }

// Field finds a declared field.
func (k *Kind) Field(name string) *Field {
	for i := range k.Fields {
		if k.Fields[i].Name == name {
			return &k.Fields[i]
		}
	}
	return nil
}

// HasName tells whether the name is a field that callers set.
func (k *Kind) HasName() bool { return k.Field("name") != nil }

// Secrets lists the names of the kind's secret fields.
func (k *Kind) Secrets() []string {
	var out []string
	for _, f := range k.Fields {
		if f.Type == Secret {
			out = append(out, f.Name)
		}
	}
	return out
}

// spine are the names that every record has; they live in the table record. A
// kind declares name itself when callers set it, which then adds label and flags.
var spine = []string{"id", "organization_id", "name", "archived", "restricted", "created_at", "updated_at", "version", "created_by", "updated_by", "trashed_at"}

// columns are the declared fields that have a column in the kind's own table.
func (k *Kind) columns() []*Field {
	if k.cols != nil {
		return k.cols
	}
	var out []*Field
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Type != Secret && f.Type != Files && !slices.Contains(spine, f.Name) {
			out = append(out, f)
		}
	}
	return out
}

// Feature is what one folder under internal/feature adds to the house.
type Feature struct {
	Name   string
	Kinds  []*Kind
	Schema []string // tables that are not records, in the vocabulary of sqldb.Dialect.DDL; each statement must bear repetition
	// Purge removes what the feature keeps beside a record that is deleted for good.
	Purge func(tx *gate.Tx, r *Record) error
	// Rewrote is told that texts of rows of the feature's tables, which are of a record,
	// became others in passing: for what it keeps by their words.
	Rewrote func(tx *gate.Tx, table string, rec id.ID) error
}

// Registry knows all kinds. It does not change once made.
type Registry struct {
	features []Feature
	kinds    []*Kind
	byName   map[string]*Kind
	byPlural map[string]*Kind
}

var snake = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// NewRegistry checks the declarations and joins them.
func NewRegistry(features ...Feature) (*Registry, error) {
	g := &Registry{features: features, byName: map[string]*Kind{}, byPlural: map[string]*Kind{}}
	for _, f := range features {
		for _, k := range f.Kinds {
			if g.byName[k.Name] != nil || g.byPlural[k.Plural] != nil {
				return nil, fault.New(fault.Internal, "kind %s is declared twice", k.Name)
			}
			g.kinds = append(g.kinds, k)
			g.byName[k.Name], g.byPlural[k.Plural] = k, k
		}
	}
	for _, k := range g.kinds {
		if err := g.check(k); err != nil {
			return nil, err
		}
		k.cols = nil // declared afresh, should it have been in another registry
		k.cols, k.home = k.columns(), g
	}
	return g, nil
}

func (g *Registry) check(k *Kind) error {
	if !snake.MatchString(k.Name) || !snake.MatchString(k.Plural) || k.Label == "" || k.Labels == "" {
		return fmt.Errorf("kind %q: name and plural are snake_case, label and labels are set", k.Name)
	}
	if !k.HasName() && k.NameOf == nil {
		return fmt.Errorf("kind %s: declare a field name or NameOf", k.Name)
	}
	if k.Scope == OfParent && slices.ContainsFunc(append([]string{k.Parent}, k.Parents...), func(name string) bool { f := k.Field(name); return f == nil || f.Type != Ref }) {
		return fmt.Errorf("kind %s: Parent names no Ref field", k.Name)
	}
	if (k.Scope == OfPerson) != access.Personal(k.Name) {
		return fmt.Errorf("kind %s: what belongs to one person is named in core/access, and has that scope", k.Name)
	}
	if k.Ended != "" && (k.Field(k.Ended) == nil || k.Field(k.Ended).Type != Bool) {
		return fmt.Errorf("kind %s: Ended names no Bool field", k.Name)
	}
	if k.Shared && k.Scope != OfOrganization {
		return fmt.Errorf("kind %s: only what can belong to an organization is shared", k.Name)
	}
	if k.Sheet && (k.Scope != OfOrganization || k.Variants != nil) {
		return fmt.Errorf("kind %s: only what belongs to an organization has a sheet", k.Name)
	}
	if v := k.Variants; v != nil && (k.Field(v.By) == nil || k.Field(v.By).Type != Ref || v.Of == nil) {
		return fmt.Errorf("kind %s: Variants.By names no Ref field, or nothing reads what declares them", k.Name)
	}
	for _, f := range k.Fields {
		if !snake.MatchString(f.Name) || f.Type == "" {
			return fmt.Errorf("kind %s: field %q needs a snake_case name and a type", k.Name, f.Name)
		}
		if f.Of != "" && (f.Type != Integer || k.Field(f.Of) == nil || k.Field(f.Of).Type != Integer) {
			return fmt.Errorf("kind %s: field %s is part of no Integer field", k.Name, f.Name)
		}
		if f.Own && (f.Filter || f.Sort || f.Search || f.Unique || f.Type == Ref) {
			return fmt.Errorf("kind %s: field %s is for its owner, and could be found out by asking", k.Name, f.Name)
		}
		if (f.Type == Ref || f.Type == Refs && f.Ref != "") && g.byName[f.Ref] == nil {
			return fmt.Errorf("kind %s: field %s refers to kind %q, which is not declared", k.Name, f.Name, f.Ref)
		}
	}
	return nil
}

// Kinds lists all kinds in the order of their declaration.
func (g *Registry) Kinds() []*Kind { return g.kinds }

// Features lists all features.
func (g *Registry) Features() []Feature { return g.features }

// Kind finds a kind by its name; nil when there is none.
func (g *Registry) Kind(name string) *Kind { return g.byName[name] }

// Plural finds a kind by its plural, spelled with _ or -; nil when there is none.
func (g *Registry) Plural(name string) *Kind {
	return g.byPlural[strings.ReplaceAll(strings.ToLower(name), "-", "_")]
}

// Traits are what the gate needs to know.
func (g *Registry) Traits() map[string]gate.Traits {
	out := map[string]gate.Traits{}
	for _, k := range g.kinds {
		out[k.Name] = gate.Traits{Tenant: k.Scope == OfTenant, Shared: k.Shared, Admin: k.Admin}
	}
	return out
}
