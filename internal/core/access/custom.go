package access

import (
	"maps"
	"slices"
	"strings"

	"strongroom/internal/base/fault"
	"strongroom/internal/base/sqldb"
	"strongroom/internal/core/id"
)

// Whole is what a custom role's rights on the tenant as a whole stand under, among
// the names of kinds.
const Whole = "tenant"

// seat is the kind of which every custom role sees records: where all others lie.
const seat = "organization"

// KindActions lists what a custom role can allow for records of a kind, in order.
func KindActions() []Action {
	return []Action{View, Create, Edit, Archive, Delete, Reveal, Comment, Restrict, Export, Approve}
}

// WholeActions lists what a custom role can allow for the tenant as a whole, in
// order. Users, groups, keys and settings are administrators' alone.
func WholeActions() []Action { return []Action{Import, Export, Configure, Inspect} }

// Rights are what a custom role allows: actions, by the name of a kind or Whole.
// Whatever it allows of a kind, it allows View.
type Rights map[string][]Action

// ParseRights reads rights as String writes them: a line for each kind, its name, a
// colon and its actions with commas between. Invalid names the line that is not
// understood. Whether there is such a kind is not looked at.
func ParseRights(text string) (Rights, error) {
	out := Rights{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		kind, list, ok := strings.Cut(line, ":")
		kind = strings.TrimSpace(kind)
		if !ok || kind == "" || len(kind) > 100 || out[kind] != nil {
			return nil, fault.Field("rights", "The line %.100q names no kind, or one that was named before.", line)
		}
		may, actions := KindActions(), []Action(nil)
		if kind == Whole {
			may = WholeActions()
		}
		for one := range strings.SplitSeq(list, ",") {
			a := Action(strings.TrimSpace(one))
			if !slices.Contains(may, a) {
				return nil, fault.Field("rights", "The line %.100q names an action that there is not.", line)
			}
			actions = append(actions, a)
		}
		out[kind] = ordered(kind, actions)
	}
	return out, nil
}

// ordered gives actions in their order, each once, and View before others.
func ordered(kind string, actions []Action) (out []Action) {
	if kind == Whole {
		return slices.DeleteFunc(WholeActions(), func(a Action) bool { return !slices.Contains(actions, a) })
	}
	return slices.DeleteFunc(KindActions(), func(a Action) bool { return a != View && !slices.Contains(actions, a) })
}

// String writes the rights in their one form: kinds by name, actions in order.
func (r Rights) String() string {
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(r)) {
		var words []string
		for _, a := range ordered(kind, r[kind]) {
			words = append(words, string(a))
		}
		if len(r[kind]) > 0 {
			b.WriteString(kind + ": " + strings.Join(words, ", ") + "\n")
		}
	}
	return b.String()
}

// Has tells whether the rights hold an action on a kind, or on Whole.
func (r Rights) Has(kind string, a Action) bool { return slices.Contains(r[kind], a) }

// meet gives what both allow.
func (r Rights) meet(with Rights) Rights {
	out := Rights{}
	for kind, actions := range r {
		if both := slices.DeleteFunc(slices.Clone(actions), func(a Action) bool { return !with.Has(kind, a) }); len(both) > 0 {
			out[kind] = both
		}
	}
	return out
}

// Least gives the least of the built-in roles that allows all these rights, so that
// nothing of them is lost to somebody with that role.
func (r Rights) Least() Role {
	for _, role := range []Role{ReadOnly, Creator, Editor} {
		fits := len(r[Whole]) == 0
		for _, actions := range r {
			fits = fits && !slices.ContainsFunc(actions, func(a Action) bool { return !role.May(a) })
		}
		if fits {
			return role
		}
	}
	return Manager
}

// Custom is a role that a tenant made. It narrows a built-in role: allowed is what
// both allow. It is not changed once it was read.
type Custom struct {
	ID     id.ID
	Name   string
	Rights Rights

	kinds  []string // of which records are seen
	beside bool     // kinds holds those that belong to the tenant too
}

func newCustom(role id.ID, name string, rights Rights) *Custom {
	c := &Custom{ID: role, Name: name, Rights: rights, kinds: []string{seat}}
	for kind := range rights {
		if kind != Whole && kind != seat && rights.Has(kind, View) {
			c.kinds = append(c.kinds, kind)
		}
	}
	slices.Sort(c.kinds)
	return c
}

// Meet gives the role that allows what both allow; nil allows everything.
func (c *Custom) Meet(with *Custom) *Custom {
	switch {
	case c == nil:
		return with
	case with == nil:
		return c
	}
	out := newCustom(c.ID, c.Name, c.Rights.meet(with.Rights))
	if c.ID != with.ID {
		out.ID, out.Name = 0, c.Name+" and "+with.Name
	}
	return out
}

// allows tells whether the role lets something be done that the built-in role does,
// by the right that it needs.
func (c *Custom) allows(a, need Action, t Target) bool {
	_, listed := c.Rights[t.Kind]
	listed = listed || t.Shared // what roles speak of and this one does not, it does not allow
	switch {
	case t.Kind == Whole, need == Administer:
		return false
	case t.Kind == "" && slices.Contains(WholeActions(), a):
		return c.Rights.Has(Whole, a)
	case t.Kind == "":
		return a == View || c.somewhere(a)
	case need == Configure:
		return c.Rights.Has(Whole, need) && (!listed || c.Rights.Has(t.Kind, a))
	case a == View && (t.Kind == seat || t.Tenant && !listed):
		return true // whether it is seen was decided with the record
	case t.Tenant && !listed:
		return c.somewhere(a)
	}
	return c.Rights.Has(t.Kind, a) || a == Export && c.Rights.Has(Whole, a) && c.Rights.Has(t.Kind, View)
}

func (c *Custom) somewhere(a Action) bool {
	for kind := range c.Rights {
		if c.Rights.Has(kind, a) {
			return true
		}
	}
	return false
}

// Beside gives a caller who, with a custom role, sees records of these kinds too:
// of those that belong to the tenant, such as statuses, which nobody can do without.
func (c *Caller) Beside(kinds []string) *Caller {
	if c.Custom == nil || c.Custom.beside {
		return c
	}
	out, custom := *c, *c.Custom
	custom.kinds, custom.beside = slices.Compact(slices.Sorted(slices.Values(slices.Concat(custom.kinds, kinds)))), true
	out.Custom = &custom
	return &out
}

// Sees tells whether the caller's role lets her see records of a kind at all.
func (c *Caller) Sees(kind string) bool {
	return c.Custom == nil || slices.Contains(c.Custom.kinds, kind)
}

// May tells whether the caller's role allows the action somewhere.
func (c *Caller) May(a Action) bool {
	return c.Role.May(a) && (c.Custom == nil || c.Custom.somewhere(a))
}

// MayOf is May for records of one kind.
func (c *Caller) MayOf(kind string, a Action) bool {
	return c.Role.May(a) && (c.Custom == nil || c.Custom.Rights.Has(kind, a))
}

// Title is the caller's role for people.
func (c *Caller) Title() string {
	if c.Custom != nil {
		return c.Custom.Name
	}
	return string(c.Role)
}

// Narrowed gives the caller with a custom role besides the rights that she has.
func (c *Caller) Narrowed(by *Custom) *Caller {
	if by == nil {
		return c
	}
	out := *c
	out.Custom = c.Custom.Meet(by)
	if out.Role == Administrator { // who is narrowed is none
		out.Role = Manager
	}
	return &out
}

// SetRole says what a custom role is called and allows.
func SetRole(tx *sqldb.Tx, role id.ID, name string, rights Rights) error {
	_, err := tx.Exec(`insert into access_role (role_id, name) values (?, ?) on conflict (role_id) do update set name = excluded.name`, int64(role), name)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`delete from access_right where role_id = ?`, int64(role)); err != nil {
		return err
	}
	for kind, actions := range rights {
		for _, a := range actions {
			if _, err := tx.Exec(`insert into access_right (role_id, kind, action) values (?, ?, ?)`, int64(role), kind, string(a)); err != nil {
				return err
			}
		}
	}
	return bump(tx)
}

// CustomRole reads a custom role. One that is not there allows nothing.
func CustomRole(tx *sqldb.Tx, role id.ID) (*Custom, error) {
	rows, err := tx.Query(`select o.name, x.kind, x.action from access_role o join access_right x on x.role_id = o.role_id where o.role_id = ?`, int64(role))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	name, rights := "without rights", Rights{}
	for rows.Next() {
		var kind, action string
		if err := rows.Scan(&name, &kind, &action); err != nil {
			return nil, err
		}
		rights[kind] = append(rights[kind], Action(action))
	}
	return newCustom(role, name, rights), rows.Err()
}

// SetCustom gives a user a custom role; 0 takes it from her.
func SetCustom(tx *sqldb.Tx, user, role id.ID) error {
	if _, err := tx.Exec(`update access_principal set custom_id = ? where user_id = ?`, int64(role), int64(user)); err != nil {
		return err
	}
	return bump(tx)
}

// SetKeyRole gives an API key a custom role.
func SetKeyRole(tx *sqldb.Tx, key, role id.ID) error {
	if _, err := tx.Exec(`update access_key set custom_id = ? where key_id = ?`, int64(role), int64(key)); err != nil {
		return err
	}
	return bump(tx)
}

// Holders counts the users and API keys that have a custom role.
func Holders(tx *sqldb.Tx, role id.ID) (users, keys int, err error) {
	err = tx.QueryRow(`select (select count(*) from access_principal where custom_id = ?), (select count(*) from access_key where custom_id = ?)`,
		int64(role), int64(role)).Scan(&users, &keys)
	return users, keys, err
}

// Able gives the active users whose role allows an action on a kind of record that
// they see.
func Able(tx *sqldb.Tx, a Action, kind string) ([]id.ID, error) {
	var roles []any
	for _, r := range EveryRole() {
		if r.May(a) {
			roles = append(roles, string(r))
		}
	}
	return IDs(tx, `select p.user_id from access_principal p where p.active = 1 and p.role in (`+Marks(len(roles))+`)
		and (p.custom_id = 0 or exists (select 1 from access_right x where x.role_id = p.custom_id and x.kind = ? and x.action = ?)) order by p.user_id`,
		append(roles, kind, string(a))...)
}
