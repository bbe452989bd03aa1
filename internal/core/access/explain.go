package access

import (
	"cmp"
	"database/sql"
	"errors"
	"slices"

	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/id"
)

// By says what opens a record to somebody.
type By string

// What opens a record.
const (
	ByRole  By = "role"               // administrators see every record
	ByHouse By = "tenant"             // it belongs to the tenant: everybody sees it
	ByAll   By = "every organization" // she sees every organization
	ByOrg   By = "organization"       // she sees its organization
	ByName  By = "user"               // it is open to her by name
	ByGroup By = "group"              // it is open to a group of hers
	ByPart  By = "customer"           // it is hers as a customer, or published for her
)

// Path is a way by which a record is open to somebody, or would be.
type Path struct {
	By     By
	Group  id.ID // through which she has it; 0 for none
	Ends   int64 // Unix milliseconds; 0 is never
	Over   bool  // its end has passed
	Closed bool  // the record is closed to all but those who are named
}

// Holds tells whether the path opens the record now.
func (p Path) Holds() bool { return !p.Over && !p.Closed }

// Bar is what keeps a record from somebody whatever opens it.
type Bar string

// What keeps a record from somebody.
const (
	BarKind   Bar = "kind"          // her custom role does not see records of its kind
	BarOrgs   Bar = "organizations" // the key is for other organizations
	BarNarrow Bar = "folders"       // the key is for other folders
	BarOwn    Bar = "person"        // it belongs to somebody else alone
	BarTrash  Bar = "trash"         // it is in the trash, where who may delete it finds it
)

// Answer tells why somebody sees a record, or why not.
type Answer struct {
	Kind       string
	Org, Guard id.ID // Guard is the record whose grants count: itself, its parent or its folder
	Restricted bool
	Sees       bool   // by the one condition of visibility
	Paths      []Path // those that hold first
	Bars       []Bar
}

// Explain tells why c sees a record at now, in Unix milliseconds, or why not: every
// path, also those that are over or closed. It is for who may know all of it. The
// error is sql.ErrNoRows for a record that does not exist.
func Explain(tx *sqldb.Tx, c *Caller, record id.ID, now int64) (*Answer, error) {
	a := &Answer{}
	var org, guard int64
	var trashed bool
	cond, args := Visible(c, "r", now)
	err := tx.QueryRow(`select r.kind, r.org_id, r.guard_id, r.restricted, case when r.trashed_at is null then 0 else 1 end, case when `+cond+` then 1 else 0 end
		from record r where r.id = ?`, append(args, int64(record))...).Scan(&a.Kind, &org, &guard, &a.Restricted, &trashed, &a.Sees)
	if err != nil {
		return nil, err
	}
	a.Org, a.Guard = id.ID(org), id.ID(guard)
	if c.Role == SelfService { // nothing else opens anything to a customer
		if a.Sees {
			a.Paths = []Path{{By: ByPart}}
		}
		if trashed {
			a.Bars = append(a.Bars, BarTrash)
		}
		a.Sees = a.Sees && !trashed
		return a, nil
	}
	a.Sees = a.Sees && !trashed
	if err := errors.Join(a.open(tx, c), a.granted(tx, c, now), a.bars(tx, c, record, trashed)); err != nil {
		return nil, err
	}
	slices.SortStableFunc(a.Paths, func(x, y Path) int { return cmp.Compare(place(x), place(y)) })
	return a, nil
}

func place(p Path) int {
	if p.Holds() {
		return 0
	}
	return 1
}

// open finds the paths that lead through the role and the organization.
func (a *Answer) open(tx *sqldb.Tx, c *Caller) error {
	add := func(by By, groups ...id.ID) {
		for _, g := range groups {
			a.Paths = append(a.Paths, Path{By: by, Group: g, Closed: a.Restricted && by != ByRole})
		}
	}
	if c.Role == Administrator {
		add(ByRole, 0)
	}
	if a.Org == 0 {
		add(ByHouse, 0)
	}
	if c.AllOrgs && c.Role != Administrator && len(c.Groups) == 0 { // a key of its own
		add(ByAll, 0)
	}
	all, err := IDs(tx, `select m.group_id from access_member m join access_group g on g.group_id = m.group_id where m.user_id = ? and g.all_orgs = 1 order by m.group_id`, int64(c.User))
	if err != nil {
		return err
	}
	add(ByAll, all...)
	of, err := IDs(tx, `select m.group_id from access_member m join access_group_org o on o.group_id = m.group_id where m.user_id = ? and o.org_id = ? order by m.group_id`, int64(c.User), int64(a.Org))
	add(ByOrg, of...)
	return err
}

// granted finds the paths that name her or a group of hers.
func (a *Answer) granted(tx *sqldb.Tx, c *Caller, now int64) error {
	cond, args := `g.user_id = ? and g.user_id <> 0`, []any{int64(a.Guard), int64(c.User)}
	if len(c.Groups) > 0 {
		cond += ` or g.group_id in (` + Marks(len(c.Groups)) + `)`
		args = append(args, Args(c.Groups)...)
	}
	rows, err := tx.Query(`select g.group_id, g.ends_at from access_grant g where g.record_id = ? and (`+cond+`) order by g.user_id desc, g.group_id`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		p := Path{By: ByName}
		var group int64
		if err := rows.Scan(&group, &p.Ends); err != nil {
			return err
		}
		if group != 0 {
			p.By, p.Group = ByGroup, id.ID(group)
		}
		p.Over = p.Ends != 0 && p.Ends <= now
		a.Paths = append(a.Paths, p)
	}
	return rows.Err()
}

// bars finds what keeps the record from her.
func (a *Answer) bars(tx *sqldb.Tx, c *Caller, record id.ID, trashed bool) error {
	if Personal(a.Kind) && (a.Guard != c.person() || a.Guard == 0) {
		a.Bars = append(a.Bars, BarOwn)
	}
	if !c.Sees(a.Kind) {
		a.Bars = append(a.Bars, BarKind)
	}
	if len(c.Scope.Orgs) > 0 && a.Org != 0 && !slices.Contains(c.Scope.Orgs, a.Org) {
		a.Bars = append(a.Bars, BarOrgs)
	}
	if w := c.Scope.Narrow; w.IDs != "" && slices.Contains(w.Kinds, a.Kind) {
		var one int
		err := tx.QueryRow(`select 1 from record r where r.id = ? and r.id in (`+w.IDs+`)`, append([]any{int64(record)}, w.Args...)...).Scan(&one)
		if errors.Is(err, sql.ErrNoRows) {
			a.Bars, err = append(a.Bars, BarNarrow), nil
		}
		if err != nil {
			return err
		}
	}
	if trashed {
		a.Bars = append(a.Bars, BarTrash)
	}
	return nil
}

// Opened tells whether some path holds and nothing bars it: what Sees says, by the
// reasons.
func (a *Answer) Opened() bool {
	return len(a.Bars) == 0 && slices.ContainsFunc(a.Paths, Path.Holds)
}
