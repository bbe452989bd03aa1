package gate

import (
	"maps"
	"slices"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/access"
	"strongroom/internal/core/audit"
	"strongroom/internal/core/id"
)

// Visible gives the condition under which the caller may see the spine row with
// that alias, and its arguments. Every list carries it.
func (tx *Tx) Visible(alias string) (string, []any) { return access.Visible(tx.Caller, alias, tx.Now) }

// VisibleOf is Visible for rows that are all of one kind.
func (tx *Tx) VisibleOf(alias, kind string) (string, []any) {
	return access.VisibleOf(tx.Caller, alias, kind, tx.Now)
}

// Renew gives the transaction's caller the rights of this moment, for work that
// goes on for long: see access.Present.
func (tx *Tx) Renew() error {
	now, err := access.Present(tx.sql, tx.Caller, tx.Now)
	if err == nil {
		tx.Caller = tx.gate.known(now)
	}
	return err
}

// Query runs a query with bound arguments.
func (tx *Tx) Query(q string, args ...any) (*sqldb.Rows, error) { return tx.sql.Query(q, args...) }

// QueryRow runs a query that gives at most one row.
func (tx *Tx) QueryRow(q string, args ...any) *sqldb.Row { return tx.sql.QueryRow(q, args...) }

// Exec changes rows. It refuses in a View and before anything was allowed.
func (tx *Tx) Exec(q string, args ...any) (int64, error) {
	if !tx.write || len(tx.allowed) == 0 {
		return 0, fault.New(fault.Internal, "A change was tried outside of a granted change.")
	}
	return tx.sql.Exec(q, args...)
}

// IDs gives the ids that a query finds in its only column.
func (tx *Tx) IDs(q string, args ...any) ([]id.ID, error) { return access.IDs(tx.sql, q, args...) }

// SQL is the transaction below, for the core packages that work on it. Features
// cannot name its type and have no use for it but to pass it on.
func (tx *Tx) SQL() *sqldb.Tx { return tx.sql }

// Dialect tells which database this is.
func (tx *Tx) Dialect() sqldb.Dialect { return tx.sql.Dialect() }

// NewID draws an id.
func (tx *Tx) NewID() (id.ID, error) { return tx.Tenant.IDs.Next(tx.sql) }

// Entry is the audit entry of the action that the transaction began with. Its
// sequence number and hash are known once Change has returned.
func (tx *Tx) Entry() *audit.Entry { return tx.entries[0] }

// Also adds an entry for something that follows from what was allowed.
func (tx *Tx) Also(e *audit.Entry) {
	stamp(e, tx.Caller, tx.Now)
	if e.Result == "" {
		e.Result = audit.OK
	}
	tx.entries = append(tx.entries, e)
}

// Withdraw takes back the entry of an allowed action that turned out to change
// nothing. When the action is allowed once more, it has a new entry.
func (tx *Tx) Withdraw(e *audit.Entry) {
	i := slices.Index(tx.entries, e)
	if i < 0 {
		return
	}
	tx.entries = slices.Concat(tx.entries[:i], tx.entries[i+1:]) // a new list: Try may put the old one back
	tx.without = append(tx.without, e)
}

// Local gives the value that belongs to key for the life of the transaction,
// making it with init at first use. Keys are of types private to a package.
func (tx *Tx) Local(key any, init func() any) any {
	if tx.locals == nil {
		tx.locals = map[any]any{}
	}
	v, ok := tx.locals[key]
	if !ok {
		v = init()
		tx.locals[key] = v
	}
	return v
}

// Cloner is a value of Local that changes: Try puts its clone back when what it
// tried failed.
type Cloner interface{ Clone() Cloner }

// Try runs f so that its failure undoes only what f did: rows, audit entries and
// local values. Bulk changes try each row.
func (tx *Tx) Try(f func() error) error {
	entries, without, last, after, refused := tx.entries, len(tx.without), len(tx.last), len(tx.after), tx.refused
	allowed := maps.Clone(tx.allowed)
	locals := maps.Clone(tx.locals)
	for k, v := range locals {
		if c, ok := v.(Cloner); ok {
			locals[k] = c.Clone()
		}
	}
	err := tx.sql.Try(f)
	if err != nil {
		if tx.refused != refused && tx.refused != nil { // what was refused is part of the record even so
			tx.entries = append(entries, tx.refused)
		} else {
			tx.entries = entries
		}
		tx.without = tx.without[:without]
		tx.last, tx.after, tx.refused, tx.allowed, tx.locals = tx.last[:last], tx.after[:after], refused, allowed, locals
	}
	return err
}

// Refuse says that an action which the rights allow is refused all the same, for
// the caller to fail with; the refusal is recorded as e.
func (tx *Tx) Refuse(e *audit.Entry) {
	e.Result, tx.refused = audit.Refused, e
}

// Last runs f inside the transaction when everything else is done.
func (tx *Tx) Last(f func() error) { tx.last = append(tx.last, f) }

// After runs f once the transaction is durable.
func (tx *Tx) After(f func()) { tx.after = append(tx.after, f) }

// Desk runs f with the rights of the house, in a change that the gate has allowed to a
// customer: what f writes by the rules of the service desk needs what she does not see,
// and is recorded as hers. For others f runs with their own rights.
func (tx *Tx) Desk(f func() error) error {
	if !tx.write || len(tx.allowed) == 0 {
		return fault.New(fault.Internal, "The desk was asked to write outside of a granted change.")
	}
	if tx.Caller.Role != access.SelfService {
		return f()
	}
	her, whole := tx.Caller, *tx.Caller
	whole.Role, whole.AllOrgs = access.Administrator, true
	tx.Caller = &whole
	defer func() { tx.Caller = her }()
	return f()
}

// Writes tells whether this transaction may change anything.
func (tx *Tx) Writes() bool { return tx.write }
