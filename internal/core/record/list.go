package record

import (
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/compare"
	"strongroom/internal/core/gate"
	"strongroom/internal/core/id"
	"strongroom/internal/core/record/plan"
	"strongroom/internal/core/sealed"
)

// Op is how a filter compares.
type Op string

// The comparisons. Texts are compared case-insensitively.
const (
	Eq       Op = "eq"       // one of Values
	Ne       Op = "ne"       // none of Values
	Contains Op = "contains" // holds the text
	Prefix   Op = "prefix"   // begins with the text
	Range    Op = "range"    // from Values[0] to Values[1], both included; nil is open
	Null     Op = "null"     // not set
	NotNull  Op = "notnull"  // set
)

// Filter is one condition. Values are of the field's Go type.
type Filter struct {
	Field  string
	Op     Op
	Values []any
}

// Order sorts by a field of the kind, a name of the spine, or, for a reference
// x_id, by x_name: the name of what it points to. Unset values come last.
type Order struct {
	Field string
	Desc  bool
}

// Query asks for a list.
type Query struct {
	Org      id.ID // only of this organization
	Parent   id.ID // only of this parent
	Variant  id.ID // only of this variant, whose traits then may be filtered and sorted by
	Text     string
	Filters  []Filter
	Any      [][]Filter // where there are some: all filters of one of these are met
	Sort     []Order    // by name when empty
	Limit    int        // 50 when 0
	Offset   int
	Archived string // "yes", "no" or "" for both
	Trashed  bool   // what is in the trash, instead of what is not
	NoTotal  bool
	Only     []string // fields that are wanted: the records hold no values of others; nil is all of them
}

// Page is one page of a list.
type Page struct {
	Records []*Record
	Total   int64 // of all pages
}

// List gives one page of what the caller may see. Invalid when a filter or an
// order names something that the kind does not offer.
func (e *Engine) List(tx *gate.Tx, kind string, q Query) (*Page, error) {
	k := e.Kinds.Kind(kind)
	if k == nil {
		return nil, gate.Missing()
	}
	if q.Variant != 0 {
		var err error
		if k, err = e.shape(tx, k, q.Variant); err != nil {
			return nil, err
		}
	}
	if len(q.Any) == 1 { // which is no choice
		q.Filters, q.Any = slices.Concat(q.Filters, q.Any[0]), nil
	}
	b := &builder{kind: k}
	var err error
	if b.marks, err = sealed.Of(tx, k.Name); err != nil {
		return nil, err
	}
	if err := b.conditions(tx, q); err != nil {
		return nil, err
	}
	filtered := *b
	filtered.conds, filtered.args = slices.Clip(b.conds), slices.Clip(b.args)
	order, err := b.order(tx, q.Sort)
	if err != nil {
		return nil, err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 50
	}
	if err := b.choose(tx, q, order, limit); err != nil {
		return nil, err
	}
	if b.read { // no index is to give the order
		order = strings.Replace(order, ` order by k.`, ` order by +k.`, 1)
	}
	cols := k.only(q.Only)
	rows, err := tx.Query(`select `+cols.list()+b.page(tx.Dialect(), order), append(b.allArgs(), limit, q.Offset)...)
	if err != nil {
		return nil, err
	}
	page := &Page{}
	if page.Records, err = cols.readAll(rows, limit); err != nil {
		return nil, err
	}
	if err := e.shapeAll(tx, page.Records); err != nil {
		return nil, err
	}
	if !q.NoTotal {
		filtered.counts = b.counts
		if page.Total, err = e.total(tx, &filtered, q, len(page.Records), limit); err != nil {
			return nil, err
		}
	}
	return page, e.decorate(tx, page.Records)
}

// Sought gives what follows the columns of a statement that finds the records of which List
// gives pages, with its arguments, and the columns of fields by which a list may be narrowed.
func (e *Engine) Sought(tx *gate.Tx, kind string, q Query, fields ...string) (columns []string, from string, args []any, err error) {
	b := &builder{kind: e.Kinds.Kind(kind), needsKind: true}
	if b.kind == nil {
		return nil, "", nil, gate.Missing()
	}
	if b.marks, err = sealed.Of(tx, kind); err == nil {
		err = b.conditions(tx, q)
	}
	for _, name := range fields {
		col, _, ok := b.column(name)
		if _, hidden := b.marks[name]; err == nil && (hidden || !ok) {
			err = fault.New(fault.Invalid, "%s cannot be grouped or summed by %s.", b.kind.Labels, name)
		}
		columns = append(columns, col)
	}
	b.demand(-1)
	if tx.Dialect() == sqldb.SQLite && slices.ContainsFunc(q.Filters, func(f Filter) bool { return b.kind.Field(f.Field) != nil && f.Field != "name" }) {
		b.from = ` from ` + b.kind.Table() + ` k cross join record r` // which begins with what the filters find, and not with all of the kind
		b.add(`r.id = k.id`)
	}
	return columns, b.tables() + b.joins + b.where(), b.allArgs(), err
}

// builder collects the parts of a list's SQL. Names in it come from the
// declarations only; everything from outside is a bound argument.
type builder struct {
	kind      *Kind
	marks     map[string]sealed.Mark // of fields whose values are sealed
	from      string
	joins     string
	joinArgs  []any
	conds     []string
	args      []any
	needsKind bool
	trait     *Field       // that the list is sorted by
	matches   []match      // filters by traits, which are no conditions yet
	counts    *plan.Counts // that choose went by, if any
	read      bool         // what is found is few: all of it is read, and then sorted
}

func (b *builder) add(cond string, args ...any) {
	b.conds, b.args = append(b.conds, cond), append(b.args, args...)
}

func (b *builder) where() string  { return ` where ` + strings.Join(b.conds, ` and `) }
func (b *builder) allArgs() []any { return append(append([]any(nil), b.joinArgs...), b.args...) }

// tables are the tables in the order of choose, or in any.
func (b *builder) tables() string {
	switch {
	case b.from != "":
		return b.from
	case b.needsKind || b.joins != "":
		return ` from record r join ` + b.kind.Table() + ` k on k.id = r.id`
	}
	return ` from record r`
}

// page gives what follows the columns. The rows of the page are found first, and
// then read: those that are passed over, or only sorted, cost less.
func (b *builder) page(d sqldb.Dialect, order string) string {
	found := `select r.id` + b.tables() + b.joins + b.where() + order + ` limit ? offset ?`
	switch {
	case d == sqldb.SQLite: // which goes through a cross join from left to right, in the order that was found
		return ` from (` + found + `) p cross join record r cross join ` + b.kind.Table() + ` k where r.id = p.id and k.id = p.id`
	case b.needsKind || b.joins != "" || b.trait != nil:
		from := b.tables()
		if b.trait != nil && !b.needsKind && b.joins == "" {
			from += ` join ` + b.kind.Table() + ` k on k.id = r.id`
		}
		return from + b.joins + b.where() + order + ` limit ? offset ?`
	}
	return ` from (` + found + `) p join record r on r.id = p.id join ` + b.kind.Table() + ` k on k.id = r.id` + order
}

func (b *builder) conditions(tx *gate.Tx, q Query) error {
	if q.Variant != 0 {
		b.add(`r.variant_id = ? and r.variant_id <> 0`, int64(q.Variant))
	} else if q.Parent == 0 {
		b.add(`r.kind = ?`, b.kind.Name)
	} else { // SQLite would else walk the kind by name, until it has met the parent's few
		b.add(`r.kind || '' = ? and r.parent_id = ? and r.parent_id <> 0`, b.kind.Name, int64(q.Parent)) // the last as the index says
	}
	if q.Trashed {
		b.add(`r.trashed_at is not null`)
	} else {
		b.add(`r.trashed_at is null`)
	}
	cond, args := tx.VisibleOf("r", b.kind.Name)
	b.add(cond, args...)
	if q.Org != 0 {
		b.add(`r.org_id = ?`, int64(q.Org))
	}
	if q.Archived != "" {
		b.add(`r.archived = ?`, q.Archived == "yes")
	}
	if q.Text != "" {
		b.add(`r.name_fold like ? escape '\'`, `%`+escapeLike(Fold(q.Text))+`%`)
	}
	for _, f := range q.Filters {
		if err := b.filter(tx, f); err != nil {
			return err
		}
	}
	return b.any(tx, q.Any)
}

// any asks for what meets all filters of one of some lists.
func (b *builder) any(tx *gate.Tx, alternatives [][]Filter) error {
	var conds []string
	var args []any
	all := len(alternatives) == 0 // whether everything meets one
	for _, filters := range alternatives {
		part := &builder{kind: b.kind, marks: b.marks}
		for _, f := range filters {
			if err := part.filter(tx, f); err != nil {
				return err
			}
		}
		for _, m := range part.matches {
			part.add(`exists (select 1 from trait t where t.record_id = r.id and `+m.cond+`)`, m.args...)
		}
		b.needsKind = b.needsKind || part.needsKind
		all = all || len(part.conds) == 0
		conds, args = append(conds, `(`+strings.Join(part.conds, ` and `)+`)`), append(args, part.args...)
	}
	if !all {
		b.add(`(`+strings.Join(conds, ` or `)+`)`, args...)
	}
	return nil
}

func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// column finds what a filter or order may use: the SQL expression, and whether
// it is a folded text.
func (b *builder) column(name string) (expr string, folded bool, ok bool) {
	switch name {
	case "id", "version", "created_at", "updated_at", "archived", "restricted", "trashed_at":
		return "r." + name, false, true
	case "organization_id":
		return "r.org_id", false, true
	case "name":
		return "r.name_fold", true, true
	}
	f := b.kind.Field(name)
	if f == nil || f.Trait != 0 || f.Type == Secret || !(f.Filter || f.Sort || f.Type == Ref || f.Expires || f.Unique) {
		return "", false, false
	}
	b.needsKind = true
	return `k."` + f.compare() + `"`, f.folded(), true
}

// textual tells whether a field's column holds a text, of which a part can be
// asked for.
func (b *builder) textual(name string) bool {
	f := b.kind.Field(name)
	return f != nil && f.sqlColumns()[0][1] == "text"
}

func (b *builder) filter(tx *gate.Tx, f Filter) error {
	if m, ok := b.marks[f.Field]; ok {
		return b.hiddenFilter(tx, m, f)
	}
	if field := b.kind.Field(f.Field); field != nil && field.Trait != 0 {
		return b.match(f, field)
	}
	col, folded, ok := b.column(f.Field)
	if !ok {
		return fault.New(fault.Invalid, "%s cannot be filtered by %s.", b.kind.Labels, f.Field)
	}
	args := make([]any, 0, len(f.Values))
	for _, v := range f.Values {
		switch x := v.(type) {
		case string:
			if folded {
				v = compare.Clip(Fold(x))
			}
		case id.ID:
			v = int64(x)
		}
		args = append(args, v)
	}
	switch f.Op {
	case Null:
		b.add(col + ` is null`)
	case NotNull:
		b.add(col + ` is not null`)
	case Eq:
		if len(args) == 0 {
			b.add(`1 = 0`)
			return nil
		}
		b.add(col+` in (`+access.Marks(len(args))+`)`, args...)
	case Ne:
		if len(args) > 0 {
			b.add(`(`+col+` is null or `+col+` not in (`+access.Marks(len(args))+`))`, args...)
		}
	case Contains, Prefix:
		if len(args) != 1 {
			return fault.New(fault.Invalid, "The filter on %s needs one value.", f.Field)
		}
		if !folded && !b.textual(f.Field) {
			return fault.New(fault.Invalid, "%s is no text: it cannot be searched for a part.", f.Field)
		}
		s, _ := args[0].(string)
		s = escapeLike(s) + `%`
		if f.Op == Contains {
			s = `%` + s
		}
		b.add(col+` like ? escape '\'`, s)
	case Range:
		if len(args) != 2 {
			return fault.New(fault.Invalid, "The filter on %s needs a beginning and an end.", f.Field)
		}
		if args[0] != nil {
			b.add(col+` >= ?`, args[0])
		}
		if args[1] != nil {
			b.add(col+` <= ?`, args[1])
		}
	default:
		return fault.New(fault.Invalid, "The comparison %s is not known.", string(f.Op))
	}
	return nil
}

func (b *builder) order(tx *gate.Tx, sort []Order) (string, error) {
	if len(sort) == 0 {
		sort = []Order{{Field: "name"}}
	}
	var parts []string
	tie := "r.id"
	for i, o := range sort {
		if _, ok := b.marks[o.Field]; ok {
			return "", fault.New(fault.Invalid, "%s cannot be sorted by %s: its values are sealed.", b.kind.Labels, o.Field)
		}
		col, _, ok := b.traitOrder(o, i)
		if !ok {
			col, _, ok = b.column(o.Field)
		}
		if !ok {
			col, ok = b.refName(tx, o.Field, i)
		}
		if !ok {
			return "", fault.New(fault.Invalid, "%s cannot be sorted by %s.", b.kind.Labels, o.Field)
		}
		if i == 0 && (strings.HasPrefix(col, "k.") || b.trait != nil) {
			tie = col[:1] + map[byte]string{'k': ".id", 'o': ".record_id"}[col[0]] // lets the index of that column give the order
		}
		dir, nulls := ` asc`, ``
		if o.Desc {
			dir = ` desc`
		}
		if !strings.HasPrefix(col, "r.") {
			nulls = ` nulls last`
		}
		parts = append(parts, col+dir+nulls)
	}
	last := tie + ` asc`
	if sort[0].Desc {
		last = tie + ` desc`
	}
	return ` order by ` + strings.Join(append(parts, last), ", "), nil
}

// refName joins the referenced record for an order such as
// organization_status_name. One that is hidden counts as none: its name decides
// nothing.
func (b *builder) refName(tx *gate.Tx, name string, n int) (string, bool) {
	base, ok := strings.CutSuffix(name, "_name")
	if !ok {
		return "", false
	}
	alias := "s" + string(rune('a'+n%26))
	on := ""
	if base == "organization" {
		on = "r.org_id"
	} else if f := b.kind.Field(base + "_id"); f != nil && f.Type == Ref {
		on = `k."` + f.Name + `"`
	} else {
		return "", false
	}
	cond, args := tx.Visible(alias)
	b.joins += ` left join record ` + alias + ` on ` + alias + `.id = ` + on + ` and ` + alias + `.trashed_at is null and ` + cond
	b.joinArgs = append(b.joinArgs, args...)
	return alias + ".name_fold", true
}
